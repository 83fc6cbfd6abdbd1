//! Which optional facts a condition has made sure of: what `has(…)` guards in the same `&&`, `||` or `? :`.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators};

/// Paths of facts that are known to be present.
pub(super) type Guards = BTreeSet<String>;

/// A fact written as a path, `ai.ich.volume_ml` or `ai.ich.measurements["ABC2"]`.
pub(super) fn path(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        Expr::Call(call) if call.func_name == operators::INDEX => {
            let [of, key] = call.args.as_slice() else {
                return None;
            };
            keyed(of, key)
        }
        _ => None,
    }
}

/// What is present when `expr` is true.
pub(super) fn when_true(expr: &IdedExpr) -> Guards {
    match &expr.expr {
        Expr::Select(select) if select.test => path(&select.operand)
            .map(|p| format!("{p}.{}", select.field))
            .into_iter()
            .collect(),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [a, b]) => &when_true(a) | &when_true(b),
            (operators::LOGICAL_OR, [a, b]) => &when_true(a) & &when_true(b),
            (operators::LOGICAL_NOT, [a]) => when_false(a),
            (operators::IN, [key, of]) => keyed(of, key).into_iter().collect(),
            _ => Guards::new(),
        },
        _ => Guards::new(),
    }
}

/// What is present when `expr` is false.
pub(super) fn when_false(expr: &IdedExpr) -> Guards {
    let Expr::Call(call) = &expr.expr else {
        return Guards::new();
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_OR, [a, b]) => &when_false(a) | &when_false(b),
        (operators::LOGICAL_AND, [a, b]) => &when_false(a) & &when_false(b),
        (operators::LOGICAL_NOT, [a]) => when_true(a),
        _ => Guards::new(),
    }
}

fn keyed(of: &IdedExpr, key: &IdedExpr) -> Option<String> {
    match &key.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(format!("{}[{:?}]", path(of)?, text.inner())),
        _ => None,
    }
}
