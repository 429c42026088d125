//! The one-line form of a fault, for the command line: `EFFECT[:ARG[:ARG]][,key=value…]`.

use anyhow::{Context, Result, bail};

use super::{Effects, Fault, Scope, Wire};

impl<E: Effects> Fault<E> {
    /// Reads the one-line form, or the JSON form when the text starts with `{`.
    ///
    /// Effects of every server: `status:CODE`, `cut[:KEEP]`, `cut-length[:KEEP]`, `reset`, `delay:MS`, `stall:MS`,
    /// `garbage`, `html`, `empty`; those of one protocol are its simulator's own. Keys: `route=`, `tag=`, `body=`,
    /// `scope=any|request|sub`, `nth=`, `count=`, `p=`.
    ///
    /// # Errors
    /// The text is not of that form, or names an effect that the server does not have.
    pub fn parse(spec: &str) -> Result<Fault<E>> {
        if spec.trim_start().starts_with('{') {
            return serde_json::from_str(spec).with_context(|| format!("fault {spec}: not the JSON form of a fault"));
        }
        let mut parts = spec.split(',');
        let mut fault = Fault::new(effect(parts.next().unwrap_or_default().trim())?);
        for part in parts {
            let (key, text) =
                part.split_once('=').with_context(|| format!("fault {spec}: {part}: expected key=value"))?;
            let bad = || format!("fault {spec}: {key}={text}: not a number");
            match key.trim() {
                "route" => fault.route = Some(text.to_owned()),
                "tag" => fault.tag = Some(text.to_owned()),
                "body" => fault.body = Some(text.to_owned()),
                "nth" => fault.nth = text.parse::<u64>().with_context(bad)?.max(1),
                "count" => fault.count = Some(text.parse().with_context(bad)?),
                "p" => fault.probability = Some(text.parse().with_context(bad)?),
                "scope" => {
                    fault.scope = match text {
                        "any" => Scope::Any,
                        "request" => Scope::Request,
                        "sub" => Scope::Sub,
                        _ => bail!("fault {spec}: scope={text}: expected any, request or sub"),
                    }
                }
                _ => bail!("fault {spec}: unknown key {key}: expected route, tag, body, scope, nth, count or p"),
            }
        }
        Ok(fault)
    }
}

/// The effect with its colon-separated arguments.
fn effect<E: Effects>(text: &str) -> Result<E> {
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default();
    let mut numbers = Numbers { name, parts };
    let about = || format!("fault {text}");
    let effect = match Wire::parse(name, &mut numbers).with_context(about)? {
        Some(wire) => E::from(wire),
        None => match E::parse(name, &mut numbers).with_context(about)? {
            Some(own) => own,
            None => bail!("fault {text}: unknown effect {name}; `tidegate-sim SERVER --help` lists them"),
        },
    };
    match numbers.parts.next() {
        Some(extra) => bail!("fault {text}: {extra}: one argument too many"),
        None => Ok(effect),
    }
}

/// The arguments of an effect.
#[derive(Debug)]
pub struct Numbers<'a> {
    name: &'a str,
    parts: std::str::Split<'a, char>,
}

impl Numbers<'_> {
    /// The next argument, or this in its place.
    ///
    /// # Errors
    /// It is not a number, or it is missing and nothing may stand in its place.
    pub fn next(&mut self, fallback: Option<f64>) -> Result<f64> {
        match (self.parts.next(), fallback) {
            (Some(text), _) => text.parse().with_context(|| format!("{text}: not a number")),
            (None, Some(fallback)) => Ok(fallback),
            (None, None) => bail!("a number is missing, as in {}:503", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::pi::{Effect, Fault};

    #[test]
    fn one_line_and_json_say_the_same() {
        let line = Fault::parse("status:503,route=batch,tag=A*,scope=sub,nth=2,count=3,p=0.25").unwrap();
        let json = r#"{"effect":{"status":{"code":503}},"route":"batch","tag":"A*","scope":"sub","nth":2,"count":3,"probability":0.25}"#;
        assert_eq!(line, Fault::parse(json).unwrap());
        assert_eq!(Fault::parse("cut").unwrap().effect, Effect::Cut { keep: 0.5 });
        assert_eq!(Fault::parse(r#"{"effect":"reset"}"#).unwrap(), Fault::new(Effect::Reset));
    }

    #[test]
    fn a_misspelt_fault_is_refused() {
        for spec in ["", "stauts:503", "status", "status:200", "status:503:1", "cut,wher=x", "delay:soon", "cut,nth"] {
            assert!(Fault::parse(spec).is_err(), "{spec}");
        }
    }
}
