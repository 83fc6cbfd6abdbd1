//! The types of the facts, read from their JSON Schema, so that what is documented is what is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::facts::CaseFacts;
use crate::study::{SeriesFacts, StudyFacts};

/// A type of a CEL expression over facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Bool,
    Int,
    Double,
    /// A text; with its possible values when they are few.
    Text(Option<Arc<[String]>>),
    List(Box<Type>),
    Map(Box<Type>),
    Record(Arc<Record>),
    /// The element of an empty list.
    Any,
}

/// A structure with named fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub fields: BTreeMap<String, Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub kind: Type,
    /// May be absent; read it behind `has(…)`.
    pub optional: bool,
}

/// The variables an expression may name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    pub variables: BTreeMap<String, Type>,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("a truth value"),
            Self::Int => f.write_str("an integer"),
            Self::Double => f.write_str("a number"),
            Self::Text(_) => f.write_str("a text"),
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("a map"),
            Self::Record(_) => f.write_str("a group of facts"),
            Self::Any => f.write_str("anything"),
        }
    }
}

impl Scope {
    /// What rules see; `ai` has the keys that the pack declares.
    pub fn of_rules(ai_keys: &BTreeSet<String>) -> Self {
        let mut scope = Self::of::<CaseFacts>();
        if let Some(Type::Map(one)) = scope.variables.get("ai").cloned() {
            let field = |key: &String| {
                (
                    key.clone(),
                    Field {
                        kind: (*one).clone(),
                        optional: false,
                    },
                )
            };
            let record = Record {
                fields: ai_keys.iter().map(field).collect(),
            };
            scope
                .variables
                .insert("ai".into(), Type::Record(Arc::new(record)));
        }
        scope
    }

    /// What eligibility expressions see: `study` and `series`.
    pub fn of_eligibility() -> Self {
        let variables = [
            ("study", Self::record::<StudyFacts>()),
            ("series", Self::record::<SeriesFacts>()),
        ];
        Self {
            variables: variables
                .into_iter()
                .map(|(name, kind)| (name.to_owned(), kind))
                .collect(),
        }
    }

    fn of<T: schemars::JsonSchema>() -> Self {
        match Self::record::<T>() {
            Type::Record(record) => {
                let variable = |(name, field): (&String, &Field)| (name.clone(), field.kind.clone());
                Self {
                    variables: record.fields.iter().map(variable).collect(),
                }
            }
            Type::Bool
            | Type::Int
            | Type::Double
            | Type::Text(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Any => Self::default(),
        }
    }

    fn record<T: schemars::JsonSchema>() -> Type {
        let schema = schemars::schema_for!(T).to_value();
        type_of(&schema, &schema).0
    }

    /// Every name that can be written, e.g. `ai.ich.volume_ml`, for help and completion.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (name, kind) in &self.variables {
            collect(name.clone(), kind, &mut names);
        }
        names
    }
}

fn collect(path: String, kind: &Type, names: &mut Vec<String>) {
    match kind {
        Type::Record(record) => {
            for (name, field) in &record.fields {
                collect(format!("{path}.{name}"), &field.kind, names);
            }
        }
        Type::List(_) | Type::Map(_) | Type::Bool | Type::Int | Type::Double | Type::Text(_) | Type::Any => {
            names.push(path);
        }
    }
}

/// The type a JSON Schema describes, and whether `null` is among its values.
fn type_of(schema: &Value, root: &Value) -> (Type, bool) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let found = root
            .pointer(target.trim_start_matches('#'))
            .unwrap_or(&Value::Null);
        return type_of(found, root);
    }
    if let Some(choices) = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))
        .and_then(Value::as_array)
    {
        return choice_of(choices, root);
    }
    let (name, nullable) = type_name(schema);
    let kind = match name {
        "boolean" => Type::Bool,
        "integer" => Type::Int,
        "number" => Type::Double,
        "string" => Type::Text(values_of(schema)),
        "array" => Type::List(Box::new(
            schema
                .get("items")
                .map_or(Type::Any, |items| type_of(items, root).0),
        )),
        "object" => object_of(schema, root),
        _ => Type::Any,
    };
    (kind, nullable)
}

fn type_name(schema: &Value) -> (&str, bool) {
    match schema.get("type") {
        Some(Value::String(name)) => (name, false),
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            let name = names.iter().copied().find(|n| *n != "null").unwrap_or("");
            (name, names.contains(&"null"))
        }
        Some(_) | None => (
            if schema.get("const").is_some() {
                "string"
            } else {
                ""
            },
            false,
        ),
    }
}

/// `anyOf: [T, null]` is an optional T; a list of constants is a text with few values.
fn choice_of(choices: &[Value], root: &Value) -> (Type, bool) {
    let is_null = |c: &&Value| c.get("type").and_then(Value::as_str) == Some("null");
    let nullable = choices.iter().any(|c| is_null(&c));
    let rest: Vec<&Value> = choices.iter().filter(|c| !is_null(c)).collect();
    if let [one] = rest.as_slice() {
        return (type_of(one, root).0, nullable);
    }
    let values: Option<Vec<String>> = rest
        .iter()
        .map(|c| values_of(c).map(|v| v.to_vec()))
        .collect::<Option<Vec<_>>>()
        .map(|v| v.concat());
    (values.map_or(Type::Any, |v| Type::Text(Some(v.into()))), nullable)
}

fn values_of(schema: &Value) -> Option<Arc<[String]>> {
    if let Some(one) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![one.to_owned()].into());
    }
    let values = schema.get("enum")?.as_array()?;
    values
        .iter()
        .map(|v| v.as_str().map(str::to_owned))
        .collect::<Option<Vec<_>>>()
        .map(Into::into)
}

fn object_of(schema: &Value, root: &Value) -> Type {
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    if properties.is_empty() {
        let values = schema.get("additionalProperties").filter(|v| v.is_object());
        return Type::Map(Box::new(values.map_or(Type::Any, |v| type_of(v, root).0)));
    }
    let field = |(name, schema): (&String, &Value)| {
        let (kind, optional) = type_of(schema, root);
        (name.clone(), Field { kind, optional })
    };
    Type::Record(Arc::new(Record {
        fields: properties.iter().map(field).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_the_facts_becomes_types() {
        let scope = Scope::of_rules(&BTreeSet::from(["ich".to_owned()]));
        let Type::Record(ai) = &scope.variables["ai"] else {
            panic!("ai is a record")
        };
        let Type::Record(ich) = &ai.fields["ich"].kind else {
            panic!("ai.ich is a record")
        };
        assert_eq!(
            ich.fields["volume_ml"],
            Field {
                kind: Type::Double,
                optional: true
            }
        );
        assert_eq!(
            ich.fields["components"],
            Field {
                kind: Type::Int,
                optional: true
            }
        );
        assert_eq!(ich.fields["measurements"].kind, Type::Map(Box::new(Type::Double)));
        let Type::Text(Some(states)) = &ich.fields["state"].kind else {
            panic!("state has values")
        };
        assert!(
            states.iter().any(|s| s == "absent") && states.iter().any(|s| s == "not_flagged"),
            "{states:?}"
        );
        let Type::Record(study) = &scope.variables["study"] else {
            panic!("study is a record")
        };
        assert!(matches!(&study.fields["series"].kind, Type::List(one) if matches!(**one, Type::Record(_))));
        assert!(matches!(&study.fields["study_uid"].kind, Type::Text(None)));
        assert!(scope.names().contains(&"ai.ich.midline_shift_mm".to_owned()));
    }
}
