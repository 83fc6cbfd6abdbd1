//! Checks the syntax tree of a CEL expression against the types of the facts: unknown names, wrong comparisons, facts that
//! may be absent and are not guarded. It evaluates nothing.

use std::collections::BTreeMap;

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, LiteralValue, MapExpr, SelectExpr, operators};

use super::guards::{self, Guards};
use super::nearest::nearest;
use super::operators as typing;
use super::schema::{Scope, Type};

/// What is wrong with an expression, and at which node of its syntax tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError {
    pub node: u64,
    pub message: String,
    pub nearest: Option<String>,
}

/// What the walk learned: the type, and how much work an evaluation can be.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    pub kind: Type,
    /// Nodes of the syntax tree.
    pub nodes: usize,
    /// Loops inside loops.
    pub depth: usize,
    /// Names of the root variables that are read, and of their fields: `ai`, `ai.ich`.
    pub reads: std::collections::BTreeSet<String>,
}

/// Whether a fact that may be absent must be guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// In a condition: an absent fact would be a fault.
    MustBeGuarded,
    /// In a text: it reads "not measured".
    IsAllowed,
}

/// Types `expr` and everything below it.
pub fn check(expr: &IdedExpr, scope: &Scope, absent: Absent) -> Result<Checked, CheckError> {
    let mut walk = Walk {
        variables: scope.variables.clone(),
        absent,
        nodes: 0,
        depth: 0,
        deepest: 0,
        reads: Default::default(),
    };
    let kind = walk.kind(expr, &Guards::new())?;
    Ok(Checked {
        kind,
        nodes: walk.nodes,
        depth: walk.deepest,
        reads: walk.reads,
    })
}

struct Walk {
    variables: BTreeMap<String, Type>,
    absent: Absent,
    nodes: usize,
    depth: usize,
    deepest: usize,
    reads: std::collections::BTreeSet<String>,
}

impl CheckError {
    pub(super) fn at(expr: &IdedExpr, message: impl Into<String>) -> Self {
        Self {
            node: expr.id,
            message: message.into(),
            nearest: None,
        }
    }

    fn near<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            nearest: nearest(name, known).map(str::to_owned),
            ..self
        }
    }
}

impl Walk {
    fn kind(&mut self, expr: &IdedExpr, guards: &Guards) -> Result<Type, CheckError> {
        self.nodes += 1;
        match &expr.expr {
            Expr::Unspecified => Err(CheckError::at(expr, "part of the expression is missing")),
            Expr::Struct(_) => Err(CheckError::at(expr, "structures cannot be built in a rule")),
            Expr::Literal(literal) => literal_kind(expr, literal),
            Expr::Ident(name) => self.variable(expr, name),
            Expr::Select(select) => self.select(expr, select, guards),
            Expr::List(list) => {
                let kinds = list
                    .elements
                    .iter()
                    .map(|e| self.kind(e, guards))
                    .collect::<Result<Vec<_>, _>>()?;
                let joined = kinds
                    .into_iter()
                    .try_fold(Type::Any, |a, b| typing::unify(&a, &b));
                let one =
                    joined.ok_or_else(|| CheckError::at(expr, "the values of a list must be of one kind"))?;
                Ok(Type::List(Box::new(one)))
            }
            Expr::Map(map) => self.map(expr, map, guards),
            Expr::Comprehension(looped) => self.comprehension(expr, looped, guards),
            Expr::Call(call) => match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
                (operators::LOGICAL_AND, None, [a, b]) => {
                    // CEL takes `false && error` and `error && false` both as false, so either side guards the other.
                    self.logic(a, &(guards | &guards::when_true(b)))?;
                    self.logic(b, &(guards | &guards::when_true(a)))
                }
                (operators::LOGICAL_OR, None, [a, b]) => {
                    self.logic(a, &(guards | &guards::when_false(b)))?;
                    self.logic(b, &(guards | &guards::when_false(a)))
                }
                (operators::CONDITIONAL, None, [condition, yes, no]) => {
                    self.logic(condition, guards)?;
                    let yes_kind = self.kind(yes, &(guards | &guards::when_true(condition)))?;
                    let no_kind = self.kind(no, &(guards | &guards::when_false(condition)))?;
                    typing::unify(&yes_kind, &no_kind).ok_or_else(|| {
                        CheckError::at(
                            expr,
                            format!("the branches of `? :` differ: {yes_kind} and {no_kind}"),
                        )
                    })
                }
                (operators::INDEX, None, [of, key]) => self.index(expr, of, key, guards),
                (name, target, args) => {
                    let all: Vec<&IdedExpr> = target.iter().map(Box::as_ref).chain(args).collect();
                    let kinds = all
                        .iter()
                        .map(|e| self.kind(e, guards))
                        .collect::<Result<Vec<_>, _>>()?;
                    typing::call(expr, name, target.is_some(), &all, &kinds)
                }
            },
        }
    }

    fn logic(&mut self, expr: &IdedExpr, guards: &Guards) -> Result<Type, CheckError> {
        match self.kind(expr, guards)? {
            Type::Bool | Type::Any => Ok(Type::Bool),
            other => Err(CheckError::at(
                expr,
                format!("expected a condition, found {other}"),
            )),
        }
    }

    fn variable(&mut self, expr: &IdedExpr, name: &str) -> Result<Type, CheckError> {
        if let Some(kind) = self.variables.get(name) {
            self.reads.insert(name.to_owned());
            return Ok(kind.clone());
        }
        let known = self
            .variables
            .keys()
            .map(String::as_str)
            .filter(|k| !k.starts_with('@'));
        Err(CheckError::at(expr, format!("`{name}` is not a known fact")).near(name, known))
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr, guards: &Guards) -> Result<Type, CheckError> {
        let of = self.kind(&select.operand, guards)?;
        let name = select.field.as_str();
        let written =
            guards::path(&select.operand).map_or_else(|| name.to_owned(), |p| format!("{p}.{name}"));
        if let Expr::Ident(root) = &select.operand.expr {
            self.reads.insert(format!("{root}.{name}"));
        }
        match of {
            Type::Record(record) => {
                let Some(field) = record.fields.get(name) else {
                    let known = record.fields.keys().map(String::as_str);
                    return Err(
                        CheckError::at(expr, format!("`{written}` is not a known fact")).near(name, known)
                    );
                };
                if select.test {
                    return Ok(Type::Bool);
                }
                self.guarded(expr, field.optional, &written, guards)?;
                Ok(field.kind.clone())
            }
            Type::Map(one) => {
                if select.test {
                    return Ok(Type::Bool);
                }
                self.guarded(expr, true, &written, guards)?;
                Ok(*one)
            }
            Type::Any => Ok(Type::Any),
            other @ (Type::Bool | Type::Int | Type::Double | Type::Text(_) | Type::List(_)) => Err(
                CheckError::at(expr, format!("`{written}`: {other} has no fields")),
            ),
        }
    }

    fn guarded(
        &self,
        expr: &IdedExpr,
        optional: bool,
        written: &str,
        guards: &Guards,
    ) -> Result<(), CheckError> {
        if !optional || self.absent == Absent::IsAllowed || guards.contains(written) {
            return Ok(());
        }
        Err(CheckError::at(
            expr,
            format!("`{written}` may be absent; write `has({written}) && …`"),
        ))
    }

    fn index(
        &mut self,
        expr: &IdedExpr,
        of: &IdedExpr,
        key: &IdedExpr,
        guards: &Guards,
    ) -> Result<Type, CheckError> {
        let (of_kind, key_kind) = (self.kind(of, guards)?, self.kind(key, guards)?);
        match (of_kind, key_kind) {
            (Type::List(one), Type::Int | Type::Any) => Ok(*one),
            (Type::Map(one), Type::Text(_) | Type::Any) => {
                let written = guards::path(expr);
                if self.absent == Absent::IsAllowed || written.as_ref().is_some_and(|w| guards.contains(w)) {
                    return Ok(*one);
                }
                Err(CheckError::at(
                    expr,
                    "the key may be absent; write `\"KEY\" in map && map[\"KEY\"] …`",
                ))
            }
            (Type::Any, _) => Ok(Type::Any),
            (of, key) => Err(CheckError::at(
                expr,
                format!("{of} has no place `[…]` named by {key}"),
            )),
        }
    }

    fn map(&mut self, expr: &IdedExpr, map: &MapExpr, guards: &Guards) -> Result<Type, CheckError> {
        let mut one = Type::Any;
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                return Err(CheckError::at(expr, "structures cannot be built in a rule"));
            };
            self.kind(&entry.key, guards)?;
            let value = self.kind(&entry.value, guards)?;
            one = typing::unify(&one, &value)
                .ok_or_else(|| CheckError::at(&entry.value, "the values of a map must be of one kind"))?;
        }
        Ok(Type::Map(Box::new(one)))
    }

    /// `all`, `exists`, `exists_one`, `map` and `filter`, which the parser has expanded into a fold over a list.
    fn comprehension(
        &mut self,
        expr: &IdedExpr,
        c: &ComprehensionExpr,
        guards: &Guards,
    ) -> Result<Type, CheckError> {
        let range = self.kind(&c.iter_range, guards)?;
        let element = match range {
            Type::List(one) => *one,
            Type::Map(_) => Type::Text(None),
            other => {
                return Err(CheckError::at(
                    &c.iter_range,
                    format!("expected a list, found {other}"),
                ));
            }
        };
        if c.iter_var2.is_some() {
            return Err(CheckError::at(expr, "loops over two variables are not supported"));
        }
        if self.variables.contains_key(&c.iter_var) {
            return Err(CheckError::at(
                expr,
                format!("`{}` already names something else here", c.iter_var),
            ));
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let start = self.kind(&c.accu_init, guards)?;
        let outer = self.variables.insert(c.accu_var.clone(), start.clone());
        self.variables.insert(c.iter_var.clone(), element);
        self.kind(&c.loop_cond, guards)?;
        let step = self.kind(&c.loop_step, guards)?;
        self.variables.remove(&c.iter_var);
        self.variables
            .insert(c.accu_var.clone(), typing::unify(&start, &step).unwrap_or(step));
        let result = self.kind(&c.result, guards)?;
        self.variables.remove(&c.accu_var);
        if let Some(outer) = outer {
            self.variables.insert(c.accu_var.clone(), outer);
        }
        self.depth -= 1;
        Ok(result)
    }
}

fn literal_kind(expr: &IdedExpr, literal: &LiteralValue) -> Result<Type, CheckError> {
    match literal {
        LiteralValue::Boolean(_) => Ok(Type::Bool),
        LiteralValue::Double(_) => Ok(Type::Double),
        LiteralValue::Int(_) => Ok(Type::Int),
        LiteralValue::String(_) => Ok(Type::Text(None)),
        LiteralValue::Null => Err(CheckError::at(
            expr,
            "`null` is not a fact; ask with `has(…)` whether it is known",
        )),
        LiteralValue::UInt(_) => Err(CheckError::at(expr, "write an integer without `u`")),
        LiteralValue::Bytes(_) => Err(CheckError::at(expr, "bytes have no place in a rule")),
    }
}
