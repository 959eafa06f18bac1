//! The operators whose arguments are evaluated before they run.

use std::cmp::Ordering;

use super::arithmetic::{self, Number};
use super::error::{PlanOutError, Result};
use super::evaluate::Run;
use super::heap::{Dict, Item};
use super::random;

/// Whether PlanOut has this operator, among those whose arguments are evaluated first.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || random::NAMES.contains(&name)
}

/// Runs one of them.
pub(super) fn execute(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let name = arguments.operator;
    match name {
        "index" => index(run, arguments),
        "map" => map(run, arguments),
        "equals" => {
            let (left, right) = arguments.sides()?;
            arithmetic::equal(&mut run.heap, left, right).map(Item::Bool)
        }
        ">" | "<" | ">=" | "<=" => compare(run, arguments),
        "%" => {
            let (left, right) = arguments.sides()?;
            arguments.pair(left, right)?.0.modulo(arguments.pair(left, right)?.1, name)
        }
        "/" => {
            let (left, right) = arguments.sides()?;
            arithmetic::divide(left, right, name)
        }
        "not" => Ok(Item::Bool(!run.heap.truth(arguments.any("value")?))),
        "round" => arguments.number("value")?.round(name),
        "negative" => arguments.number("value")?.negate(name),
        "exp" => arithmetic::finite(arguments.number("value")?.float().exp(), name),
        "sqrt" => sqrt(arguments),
        "length" => length(run, arguments),
        "min" => extreme(run, arguments, Ordering::Less),
        "max" => extreme(run, arguments, Ordering::Greater),
        "sum" => sum(run, arguments),
        "product" => product(run, arguments),
        _ => random::execute(run, arguments),
    }
}

/// The arguments of an operator, evaluated.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    pub(super) operator: &'a str,
    items: Dict,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(operator: &'a str, items: Dict) -> Self {
        Self { operator, items }
    }

    pub(super) fn optional(&self, argument: &str) -> Option<&Item> {
        self.items.get(argument)
    }

    pub(super) fn any(&self, argument: &'static str) -> Result<&Item> {
        let missing = || PlanOutError::Missing { operator: self.operator.to_owned(), argument };
        self.items.get(argument).ok_or_else(missing)
    }

    pub(super) fn number(&self, argument: &'static str) -> Result<Number> {
        let item = self.any(argument)?;
        Number::of(item).ok_or_else(|| self.unfit(argument, item, "a number"))
    }

    pub(super) fn int(&self, argument: &'static str) -> Result<i128> {
        match self.number(argument) {
            Ok(Number::Int(value)) => Ok(value),
            _ => Err(self.unfit(argument, self.any(argument)?, "a whole number")),
        }
    }

    /// The number of a list.
    pub(super) fn list(&self, argument: &'static str) -> Result<usize> {
        match self.any(argument)? {
            Item::List(list) => Ok(*list),
            other => Err(self.unfit(argument, other, "a list")),
        }
    }

    pub(super) fn text(&self, argument: &'static str) -> Result<&str> {
        match self.any(argument)? {
            Item::Text(text) => Ok(text),
            other => Err(self.unfit(argument, other, "a text")),
        }
    }

    fn unfit(&self, argument: &'static str, found: &Item, expected: &'static str) -> PlanOutError {
        PlanOutError::Argument {
            operator: self.operator.to_owned(),
            argument,
            found: found.kind().to_owned(),
            expected,
        }
    }

    fn sides(&self) -> Result<(&Item, &Item)> {
        Ok((self.any("left")?, self.any("right")?))
    }

    fn pair(&self, left: &Item, right: &Item) -> Result<(Number, Number)> {
        let pair = Number::of(left).zip(Number::of(right));
        pair.ok_or_else(|| arithmetic::operands(self.operator, left, right))
    }
}

/// What lies at a place of a list or under a name of a map; null if nothing does.
fn index(run: &Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let (base, index) = (arguments.any("base")?, arguments.any("index")?);
    match base {
        Item::List(list) => {
            let items = run.heap.list(*list);
            let place = Number::of(index).ok_or_else(|| arguments.unfit("index", index, "a whole number"))?;
            let above = place.order(Number::Int(items.len() as i128)).is_ge();
            if above || place.order(Number::Int(0)).is_lt() {
                return Ok(Item::Null);
            }
            let Number::Int(place) = place else {
                return Err(arguments.unfit("index", index, "a whole number"));
            };
            let found = usize::try_from(place).ok().and_then(|place| items.get(place));
            Ok(found.cloned().unwrap_or(Item::Null))
        }
        Item::Map(map) => match index {
            Item::Text(name) => {
                let found = run.heap.dict(*map).and_then(|dict| dict.get(name));
                Ok(found.cloned().unwrap_or(Item::Null))
            }
            Item::List(_) | Item::Map(_) => Err(arguments.unfit("index", index, "a text")),
            // Keys are texts, so nothing lies under a number.
            _ => Ok(Item::Null),
        },
        _ => Err(arguments.unfit("base", base, "a map or a list")),
    }
}

/// The arguments themselves, but for the operator's name and the salt.
fn map(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let mut copy = Dict::default();
    for (name, item) in arguments.items.entries() {
        if !matches!(&**name, "op" | "salt") {
            copy.insert(name.clone(), item.clone());
        }
    }
    let shallow = run.heap.new_map(copy)?;
    run.heap.deep_copy(&shallow)
}

fn compare(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let (left, right) = arguments.sides()?;
    let order = arithmetic::order(&mut run.heap, left, right)?;
    let order = order.ok_or_else(|| arithmetic::operands(arguments.operator, left, right))?;
    Ok(Item::Bool(match arguments.operator {
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        ">=" => order.is_ge(),
        _ => order.is_le(),
    }))
}

fn sqrt(arguments: &Arguments<'_>) -> Result<Item> {
    let value = arguments.number("value")?.float();
    if value < 0.0 {
        return Err(PlanOutError::Argument {
            operator: "sqrt".to_owned(),
            argument: "value",
            found: value.to_string(),
            expected: "at least 0",
        });
    }
    arithmetic::finite(value.sqrt(), "sqrt")
}

/// The number of elements, of names or of characters.
fn length(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let value = arguments.any("value")?;
    let length = match value {
        Item::Text(text) => {
            run.heap.charge(text.len() / super::heap::BYTES)?;
            text.chars().count()
        }
        Item::List(list) => run.heap.list(*list).len(),
        Item::Map(map) => run.heap.dict(*map).map_or(0, |dict| dict.entries().len()),
        _ => return Err(arguments.unfit("value", value, "a text, a list or a map")),
    };
    Ok(Item::Int(length as i128))
}

/// The first of the smallest or of the largest.
fn extreme(run: &mut Run<'_>, arguments: &Arguments<'_>, wanted: Ordering) -> Result<Item> {
    let items = run.heap.items(arguments.list("values")?)?;
    let mut items = items.into_iter();
    let mut best = items.next().ok_or_else(|| empty(arguments))?;
    for item in items {
        let order = arithmetic::order(&mut run.heap, &item, &best)?;
        if order.ok_or_else(|| arithmetic::operands(arguments.operator, &item, &best))? == wanted {
            best = item;
        }
    }
    Ok(best)
}

fn sum(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let mut sum = Item::Int(0);
    for item in run.heap.items(arguments.list("values")?)? {
        let (left, right) = arguments.pair(&sum, &item)?;
        sum = left.add(right, arguments.operator)?;
    }
    Ok(sum)
}

/// A single value is returned as it is, whatever it is.
fn product(run: &mut Run<'_>, arguments: &Arguments<'_>) -> Result<Item> {
    let items = run.heap.items(arguments.list("values")?)?;
    let mut items = items.into_iter();
    let mut product = items.next().ok_or_else(|| empty(arguments))?;
    for item in items {
        product = arithmetic::product(&mut run.heap, &product, &item, arguments.operator)?;
    }
    Ok(product)
}

fn empty(arguments: &Arguments<'_>) -> PlanOutError {
    PlanOutError::Empty { operator: arguments.operator.to_owned() }
}

const KNOWN: [&str; 19] = [
    "index", "map", "equals", ">", "<", ">=", "<=", "%", "/", "not", "round", "negative", "exp", "sqrt",
    "length", "min", "max", "sum", "product",
];
