//! The interpreter: the operators that see their arguments before these are evaluated.

use std::collections::BTreeMap;

use super::error::{PlanOutError, Result};
use super::heap::{Dict, Heap, Item};
use super::map::Map;
use super::operators::{self, Arguments};
use super::script::Outcome;
use super::value::Value;
use crate::error::excerpt;

/// Runs a script.
pub(super) fn run(code: &Value, salt: &str, inputs: &Map, overrides: &Map) -> Result<Outcome> {
    let mut run = Run::new(salt, inputs);
    for (name, value) in overrides.iter() {
        reserved(name)?;
        let value = run.heap.import(value)?;
        run.overrides.insert(name.into(), value.clone());
        run.params.insert(name.into(), value);
    }
    let enabled = match run.evaluate(code) {
        Ok(_) => true,
        Err(Halt::Returned(enabled)) => enabled,
        Err(Halt::Failed(error)) => return Err(error),
    };
    Ok(Outcome { params: run.into_params()?, enabled })
}

/// Why an evaluation ends early.
#[derive(Debug)]
pub(super) enum Halt {
    /// The script returned something true or not.
    Returned(bool),
    Failed(PlanOutError),
}

/// An evaluation under way.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) heap: Heap,
    /// The salt as the operators see it: what a script assigned to `experiment_salt`, before evaluation.
    pub(super) salt: Item,
    /// The salt as a script reads it: what it assigned, after evaluation.
    read_salt: Item,
    /// What stands between a variable's salt and the unit.
    pub(super) separator: Item,
    inputs: &'a Map,
    /// The inputs that were read, so that a list stays one and the same list.
    read: BTreeMap<&'a str, Item>,
    overrides: Dict,
    params: Dict,
}

impl<'a> Run<'a> {
    fn new(salt: &str, inputs: &'a Map) -> Self {
        let salt = Item::Text(salt.into());
        Self {
            heap: Heap::new(),
            salt: salt.clone(),
            read_salt: salt,
            separator: Item::Text(".".into()),
            inputs,
            read: BTreeMap::new(),
            overrides: Dict::default(),
            params: Dict::default(),
        }
    }

    /// An operator is executed, a list is evaluated element by element, everything else stands for itself, even a
    /// map that has operators within.
    pub(super) fn evaluate(&mut self, code: &'a Value) -> Result<Item, Halt> {
        match code {
            Value::Map(map) if map.get("op").is_some() => self.operator(map, None),
            Value::List(values) => self.list(values),
            _ => Ok(self.heap.import(code)?),
        }
    }

    /// `salt` is the one that applies if the operator has none: the name of the variable that it is assigned to.
    fn operator(&mut self, map: &'a Map, salt: Option<&'a str>) -> Result<Item, Halt> {
        self.heap.charge(1)?;
        let name = match map.get("op") {
            Some(Value::Text(name)) => name.as_str(),
            other => other.map_or("", Value::kind),
        };
        let code = Code { name, map };
        match name {
            "literal" => Ok(self.heap.import(code.argument("value")?)?),
            "get" => self.get(code.text("var")?),
            "seq" => self.seq(code.list("seq")?),
            "set" => self.set(code.text("var")?, code.argument("value")?),
            "return" => {
                let value = self.evaluate(code.argument("value")?)?;
                Err(Halt::Returned(self.heap.truth(&value)))
            }
            "array" => self.list(code.list("values")?),
            "coalesce" => self.coalesce(code.list("values")?),
            "cond" => self.cond(code.list("cond")?),
            // `and` stops at what is not true, `or` at what is.
            "and" => self.any(code.list("values")?, false).map(|found| Item::Bool(!found)),
            "or" => self.any(code.list("values")?, true).map(Item::Bool),
            _ if operators::is_known(name) => {
                let mut arguments = Dict::default();
                for (argument, value) in map.iter() {
                    arguments.insert(argument.into(), self.evaluate(value)?);
                }
                if let (Some(salt), None) = (salt, map.get("salt")) {
                    arguments.insert("salt".into(), self.heap.text(salt)?);
                }
                Ok(operators::execute(self, &Arguments::new(name, arguments))?)
            }
            _ => Err(PlanOutError::Operator { name: excerpt(name) }.into()),
        }
    }

    fn list(&mut self, values: &'a [Value]) -> Result<Item, Halt> {
        let items = values.iter().map(|value| self.evaluate(value)).collect::<Result<_, _>>()?;
        Ok(self.heap.new_list(items)?)
    }

    fn get(&mut self, name: &'a str) -> Result<Item, Halt> {
        reserved(name)?;
        if name == SALT {
            return Ok(self.read_salt.clone());
        }
        if let Some(item) = self.params.get(name).or_else(|| self.read.get(name)) {
            return Ok(item.clone());
        }
        let Some(value) = self.inputs.get(name) else { return Ok(Item::Null) };
        let item = self.heap.import(value)?;
        self.read.insert(name, item.clone());
        Ok(item)
    }

    fn seq(&mut self, steps: &'a [Value]) -> Result<Item, Halt> {
        for step in steps {
            self.evaluate(step)?;
        }
        Ok(Item::Null)
    }

    fn set(&mut self, name: &'a str, value: &'a Value) -> Result<Item, Halt> {
        if self.overrides.get(name).is_some() {
            return Ok(Item::Null);
        }
        reserved(name)?;
        let operator = match value {
            Value::Map(map) if map.get("op").is_some() => Some(map),
            _ => None,
        };
        if name == SALT {
            self.salt = self.salt_of(value, operator)?;
        }
        let item = match operator {
            Some(map) => self.operator(map, Some(name))?,
            None => self.evaluate(value)?,
        };
        match name {
            SALT => self.read_salt = item,
            SEPARATOR => self.separator = item,
            _ => self.params.insert(name.into(), item),
        }
        Ok(Item::Null)
    }

    /// The reference takes the code of the value, not the value: for an operator, Python's text of its map, to
    /// which the salt was added.
    fn salt_of(&mut self, value: &'a Value, operator: Option<&'a Map>) -> Result<Item, Halt> {
        let Some(map) = operator else { return Ok(self.heap.import(value)?) };
        let mut copy = map.clone();
        if copy.get("salt").is_none() {
            copy.insert("salt", SALT);
        }
        Ok(self.heap.import(&Value::Map(copy))?)
    }

    fn coalesce(&mut self, values: &'a [Value]) -> Result<Item, Halt> {
        for value in values {
            let item = self.evaluate(value)?;
            if !matches!(item, Item::Null) {
                return Ok(item);
            }
        }
        Ok(Item::Null)
    }

    fn cond(&mut self, clauses: &'a [Value]) -> Result<Item, Halt> {
        for clause in clauses {
            let Value::Map(map) = clause else {
                return Err(Code { name: "cond", map: self.inputs }
                    .unfit("cond", clause, "a list of maps")
                    .into());
            };
            let code = Code { name: "cond", map };
            let (condition, then) = (code.argument("if")?, code.argument("then")?);
            let condition = self.evaluate(condition)?;
            if self.heap.truth(&condition) {
                return self.evaluate(then);
            }
        }
        Ok(Item::Null)
    }

    /// Whether one of the values has this truth; the ones after it are not evaluated.
    fn any(&mut self, values: &'a [Value], truth: bool) -> Result<bool, Halt> {
        for value in values {
            let item = self.evaluate(value)?;
            if self.heap.truth(&item) == truth {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn into_params(mut self) -> Result<Map> {
        let mut out = Map::new();
        for (name, item) in self.params.entries() {
            // An override of the salt is not what reading the salt gives.
            let item = if **name == *SALT { &self.read_salt } else { item };
            out.insert(&**name, self.heap.export(item)?);
        }
        Ok(out)
    }
}

impl From<PlanOutError> for Halt {
    fn from(error: PlanOutError) -> Self {
        Self::Failed(error)
    }
}

/// An operator with its arguments as they are in the script.
#[derive(Clone, Copy)]
struct Code<'a> {
    name: &'a str,
    map: &'a Map,
}

impl<'a> Code<'a> {
    fn argument(self, argument: &'static str) -> Result<&'a Value> {
        let missing = || PlanOutError::Missing { operator: self.name.to_owned(), argument };
        self.map.get(argument).ok_or_else(missing)
    }

    fn text(self, argument: &'static str) -> Result<&'a str> {
        match self.argument(argument)? {
            Value::Text(text) => Ok(text),
            other => Err(self.unfit(argument, other, "a text")),
        }
    }

    fn list(self, argument: &'static str) -> Result<&'a [Value]> {
        match self.argument(argument)? {
            Value::List(values) => Ok(values),
            other => Err(self.unfit(argument, other, "a list")),
        }
    }

    fn unfit(self, argument: &'static str, found: &Value, expected: &'static str) -> PlanOutError {
        PlanOutError::Argument {
            operator: self.name.to_owned(),
            argument,
            found: found.kind().to_owned(),
            expected,
        }
    }
}

/// In the reference these names lead to its own tables.
fn reserved(name: &str) -> Result<()> {
    if matches!(name, "_data" | "_overrides") {
        return Err(PlanOutError::Reserved { name: name.to_owned() });
    }
    Ok(())
}

/// Assigning to this variable changes the salt of everything that follows.
const SALT: &str = "experiment_salt";

/// Assigning to this variable changes what stands between salt and unit.
const SEPARATOR: &str = "salt_sep";
