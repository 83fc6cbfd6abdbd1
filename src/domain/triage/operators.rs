//! The types of CEL's operators and of the functions that rules may call. What is not listed cannot be called.

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators};

use super::check::CheckError;
use super::nearest::nearest;
use super::schema::Type;

const FUNCTIONS: [&str; 11] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "lowerAscii",
    "upperAscii",
    "trim",
    "double",
    "int",
    "string",
];

/// The kind that covers both, if one does.
pub(super) fn unify(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Any, other) | (other, Type::Any) => Some(other.clone()),
        (Type::Text(_), Type::Text(_)) => Some(if a == b { a.clone() } else { Type::Text(None) }),
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(unify(a, b)?))),
        (Type::Map(a), Type::Map(b)) => Some(Type::Map(Box::new(unify(a, b)?))),
        _ => (a == b).then(|| a.clone()),
    }
}

/// Types a call; `all` are its target, if it has one, and its arguments, and `kinds` their types.
pub(super) fn call(
    expr: &IdedExpr,
    name: &str,
    has_target: bool,
    all: &[&IdedExpr],
    kinds: &[Type],
) -> Result<Type, CheckError> {
    match (name, has_target, kinds) {
        ("@not_strictly_false", _, [_]) => Ok(Type::Bool),
        (operators::LOGICAL_NOT, _, [a]) => condition(all[0], a),
        (operators::NEGATE, _, [a @ (Type::Int | Type::Double | Type::Any)]) => Ok(a.clone()),
        (operators::EQUALS | operators::NOT_EQUALS, _, [a, b]) => {
            if !(numeric(a) && numeric(b) || unify(a, b).is_some()) {
                return Err(CheckError::at(expr, format!("{a} is never equal to {b}")));
            }
            known_value(all[0], b)?;
            known_value(all[1], a)?;
            Ok(Type::Bool)
        }
        (
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
            _,
            [a, b],
        ) => {
            let texts = matches!((a, b), (Type::Text(_) | Type::Any, Type::Text(_) | Type::Any));
            if texts || numeric(a) && numeric(b) {
                return Ok(Type::Bool);
            }
            Err(CheckError::at(expr, format!("{a} cannot be compared with {b}")))
        }
        (
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO,
            _,
            [a, b],
        ) => arithmetic(expr, name, a, b),
        (operators::IN, _, [one, of]) => member(expr, all, one, of),
        ("size", _, [Type::Text(_) | Type::List(_) | Type::Map(_) | Type::Any]) => Ok(Type::Int),
        (
            "contains" | "startsWith" | "endsWith",
            true,
            [Type::Text(_) | Type::Any, Type::Text(_) | Type::Any],
        ) => Ok(Type::Bool),
        ("matches", true, [Type::Text(_) | Type::Any, Type::Text(_)]) => pattern(all[1]),
        ("lowerAscii" | "upperAscii" | "trim", true, [Type::Text(_) | Type::Any]) => Ok(Type::Text(None)),
        ("double", false, [Type::Int | Type::Double]) => Ok(Type::Double),
        ("int", false, [Type::Int | Type::Double]) => Ok(Type::Int),
        ("string", false, [Type::Int | Type::Double | Type::Text(_) | Type::Bool]) => Ok(Type::Text(None)),
        _ => Err(unknown(expr, name, kinds)),
    }
}

fn condition(expr: &IdedExpr, kind: &Type) -> Result<Type, CheckError> {
    match kind {
        Type::Bool | Type::Any => Ok(Type::Bool),
        other => Err(CheckError::at(
            expr,
            format!("expected a condition, found {other}"),
        )),
    }
}

fn numeric(kind: &Type) -> bool {
    matches!(kind, Type::Int | Type::Double | Type::Any)
}

fn arithmetic(expr: &IdedExpr, name: &str, a: &Type, b: &Type) -> Result<Type, CheckError> {
    let add = name == operators::ADD;
    match (a, b) {
        (Type::Int | Type::Any, Type::Int) | (Type::Int, Type::Any) => Ok(Type::Int),
        (Type::Double, Type::Double) if name != operators::MODULO => Ok(Type::Double),
        (Type::Double, Type::Int) | (Type::Int, Type::Double) => Err(CheckError::at(
            expr,
            "an integer and a number with a fraction do not mix; write `1.0` or `double(…)`",
        )),
        (Type::Text(_), Type::Text(_)) if add => Ok(Type::Text(None)),
        (Type::List(_), Type::List(_)) if add => {
            unify(a, b).ok_or_else(|| CheckError::at(expr, "lists of different kinds cannot be joined"))
        }
        _ => Err(CheckError::at(expr, format!("no arithmetic between {a} and {b}"))),
    }
}

fn member(expr: &IdedExpr, all: &[&IdedExpr], one: &Type, of: &Type) -> Result<Type, CheckError> {
    match of {
        Type::List(element) if numeric(one) && numeric(element) || unify(one, element).is_some() => {
            known_value(all[0], element)?;
            if let Expr::List(list) = &all[1].expr {
                for element in &list.elements {
                    known_value(element, one)?;
                }
            }
            Ok(Type::Bool)
        }
        Type::Map(_) if matches!(one, Type::Text(_)) => Ok(Type::Bool),
        Type::Any => Ok(Type::Bool),
        other => Err(CheckError::at(
            expr,
            format!("{one} is never in {other} of another kind"),
        )),
    }
}

/// A literal compared with a fact of few values must be one of them.
fn known_value(literal: &IdedExpr, other: &Type) -> Result<(), CheckError> {
    let (Expr::Literal(LiteralValue::String(text)), Type::Text(Some(values))) = (&literal.expr, other) else {
        return Ok(());
    };
    let text = text.inner();
    if values.iter().any(|v| v == text) {
        return Ok(());
    }
    let suggestion = nearest(text, values.iter().map(String::as_str)).map(str::to_owned);
    let message = format!("\"{text}\" is none of the values: {}", values.join(", "));
    Err(CheckError {
        nearest: suggestion,
        ..CheckError::at(literal, message)
    })
}

/// Patterns must be written out, so that a bad one is found here and not at three in the morning.
fn pattern(expr: &IdedExpr) -> Result<Type, CheckError> {
    let Expr::Literal(LiteralValue::String(text)) = &expr.expr else {
        return Err(CheckError::at(
            expr,
            "the pattern of matches() must be written out",
        ));
    };
    match regex::Regex::new(text.inner()) {
        Ok(_) => Ok(Type::Bool),
        Err(_) => Err(CheckError::at(
            expr,
            format!("\"{}\" is not a regular expression", text.inner()),
        )),
    }
}

fn unknown(expr: &IdedExpr, name: &str, kinds: &[Type]) -> CheckError {
    if FUNCTIONS.contains(&name)
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
    {
        let kinds: Vec<String> = kinds.iter().map(Type::to_string).collect();
        let shown = name.trim_matches('_');
        return CheckError::at(expr, format!("`{shown}` does not take {}", kinds.join(" and ")));
    }
    let near = nearest(name, FUNCTIONS).map(str::to_owned);
    CheckError {
        nearest: near,
        ..CheckError::at(expr, format!("there is no function `{name}`"))
    }
}
