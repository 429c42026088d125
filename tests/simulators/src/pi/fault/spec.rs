//! The one-line form of a fault, for the command line: `EFFECT[:ARG[:ARG]][,key=value…]`.

use anyhow::{Context, Result, bail};

use super::{Effect, Fault, Scope};

impl Fault {
    /// Reads the one-line form, or the JSON form when the text starts with `{`.
    ///
    /// Effects: `status:CODE`, `web-exception[:STATUS[:AFTER]]`, `item-errors[:INDEX]`, `cut[:KEEP]`,
    /// `cut-length[:KEEP]`, `reset`, `delay:MS`, `stall:MS`, `garbage`, `html`, `empty`, `no-items`, `cap:MAX`,
    /// `offline`, `duplicate`, `unordered`. Keys: `route=`, `tag=`, `body=`, `scope=any|request|sub`, `nth=`, `count=`, `p=`.
    pub fn parse(spec: &str) -> Result<Fault> {
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
fn effect(text: &str) -> Result<Effect> {
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default();
    let mut number = |fallback: Option<f64>| match (parts.next(), fallback) {
        (Some(arg), _) => arg.parse::<f64>().with_context(|| format!("fault {text}: {arg}: not a number")),
        (None, Some(fallback)) => Ok(fallback),
        (None, None) => bail!("fault {text}: a number is missing, as in {name}:503"),
    };
    let effect = match name {
        "status" => Effect::Status { code: number(None)? as u16 },
        "web-exception" => {
            Effect::WebException { status: number(Some(500.0))? as u16, after: number(Some(3.0))? as usize }
        }
        "item-errors" => Effect::ItemErrors { index: number(Some(0.0))? as usize },
        "cut" => Effect::Cut { keep: number(Some(0.5))? },
        "cut-length" => Effect::CutLength { keep: number(Some(0.5))? },
        "reset" => Effect::Reset,
        "delay" => Effect::Delay { ms: number(None)? as u64 },
        "stall" => Effect::Stall { ms: number(None)? as u64 },
        "garbage" => Effect::Garbage,
        "html" => Effect::Html,
        "empty" => Effect::Empty,
        "no-items" => Effect::NoItems,
        "cap" => Effect::Cap { max: number(None)? as usize },
        "offline" => Effect::Offline,
        "duplicate" => Effect::Duplicate,
        "unordered" => Effect::Unordered,
        _ => bail!("fault {text}: unknown effect {name}; `tidegate-sim pi --help` lists them"),
    };
    if let Some(extra) = parts.next() {
        bail!("fault {text}: {extra}: one argument too many");
    }
    if let Effect::Status { code } = effect
        && !(400..=599).contains(&code)
    {
        bail!("fault {text}: {code}: expected a status from 400 to 599");
    }
    Ok(effect)
}

#[cfg(test)]
mod tests {
    use super::*;

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
