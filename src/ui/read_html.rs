//! For tests: a page as a browser reads it, flat: its elements with their attributes, and its texts.

use html5ever::driver::ParseOpts;
use html5ever::parse_document;
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

pub struct Element {
    pub tag: String,
    pub attributes: Vec<(String, String)>,
    /// What it stands in, from the outside.
    pub within: Vec<String>,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(own, _)| own == name)?;
        Some(value)
    }
}

#[derive(Default)]
pub struct Html {
    pub elements: Vec<Element>,
    /// Each with the name of the element that it stands in.
    pub texts: Vec<(String, String)>,
}

pub fn read(html: &str) -> Html {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            // What stands in `noscript` is read as well.
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let parsed = parse_document(RcDom::default(), options).one(html);
    let mut read = Html::default();
    walk(&parsed.document, &mut Vec::new(), &mut read);
    read
}

fn walk(node: &Handle, within: &mut Vec<String>, read: &mut Html) {
    match &node.data {
        NodeData::Element { name, attrs, .. } => {
            let tag = name.local.to_string();
            let attributes = attrs.borrow();
            let attributes = attributes
                .iter()
                .map(|one| (one.name.local.to_string(), one.value.to_string()));
            read.elements.push(Element {
                tag: tag.clone(),
                attributes: attributes.collect(),
                within: within.clone(),
            });
            within.push(tag);
        }
        NodeData::Text { contents } => {
            let parent = within.last().cloned().unwrap_or_default();
            read.texts.push((parent, contents.borrow().to_string()));
        }
        NodeData::Document
        | NodeData::Doctype { .. }
        | NodeData::Comment { .. }
        | NodeData::ProcessingInstruction { .. } => {}
    }
    for child in node.children.borrow().iter() {
        walk(child, within, read);
    }
    if matches!(node.data, NodeData::Element { .. }) {
        within.pop();
    }
}
