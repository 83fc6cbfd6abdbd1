//! What templates of findings may say besides values: in which section something stands, and what stands only where something was measured
//! or evaluated. A name that is not known is an error, not an empty line.

use handlebars::{
    BlockContext, Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason,
    Renderable,
};
use serde_json::Value;

use super::SECTIONS;

pub(super) fn register(registry: &mut Handlebars<'_>) {
    registry.register_helper("section", Box::new(section));
    registry.register_helper("measured", Box::new(measured));
    registry.register_helper("evaluated", Box::new(evaluated));
}

fn section<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    render: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = name(helper);
    if !SECTIONS.contains(&name) {
        let expected = SECTIONS.join(", ");
        return Err(unknown(&format!(
            "there is no section {name:?}; expected one of {expected}"
        )));
    }
    match (helper.template(), context.data()["section"] == name) {
        (Some(block), true) => block.render(registry, context, render, out),
        (Some(_), false) | (None, _) => Ok(()),
    }
}

fn measured<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    render: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    where_there_is("measured", (helper, registry, context), render, out)
}

fn evaluated<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    render: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    where_there_is("evaluated", (helper, registry, context), render, out)
}

/// The block with the value of that name, where there is one.
fn where_there_is<'reg, 'rc>(
    kind: &str,
    (helper, registry, context): (&Helper<'rc>, &'reg Handlebars<'reg>, &'rc Context),
    render: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = name(helper);
    let known = context.data()[kind].as_object();
    let Some(value) = known.and_then(|known| known.get(name)) else {
        let known: Vec<&str> = known
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        let known = known.join(", ");
        return Err(unknown(&format!(
            "nothing is {kind} as {name:?}; expected one of {known}"
        )));
    };
    let (Some(block), Value::String(_)) = (helper.template(), value) else {
        return Ok(());
    };
    let mut inner = BlockContext::new();
    inner.set_base_value(value.clone());
    render.push_block(inner);
    let rendered = block.render(registry, context, render, out);
    render.pop_block();
    rendered
}

fn name<'h>(helper: &'h Helper<'_>) -> &'h str {
    helper
        .param(0)
        .and_then(|name| name.value().as_str())
        .unwrap_or_default()
}

fn unknown(reason: &str) -> handlebars::RenderError {
    RenderErrorReason::Other(reason.to_owned()).into()
}
