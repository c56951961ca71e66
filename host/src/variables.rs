//! Application variables: `SPIN_VARIABLE_<NAME>` before the default, `{{ name }}` in templates, and the guest's view of its own.
use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail};

use crate::guest::Guest;
use crate::manifest::Variable;
use crate::wit::variables::{Error, Host};

const PREFIX: &str = "SPIN_VARIABLE_";

/// The application's variables, every one of them with a value.
#[derive(Debug)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    pub fn resolve(
        declared: &BTreeMap<String, Variable>,
        environment: &HashMap<String, String>,
    ) -> Result<Self> {
        let mut values = HashMap::new();
        for (name, variable) in declared {
            let key = format!("{PREFIX}{}", name.to_uppercase());
            let given = environment.get(&key).or(variable.default.as_ref());
            match given {
                Some(value) => values.insert(name.clone(), value.clone()),
                None if variable.required => {
                    bail!("the variable `{name}` is required and has no value: set {key}")
                }
                None => bail!("the variable `{name}` has neither a default nor `required = true`"),
            };
        }
        Ok(Self(values))
    }

    /// Fills in each `{{ name }}` of a template.
    pub fn expand(&self, template: &str) -> Result<String> {
        let mut expanded = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .with_context(|| format!("`{template}` opens a {{{{ that it never closes"))?;
            let name = name.trim();
            let value = self.0.get(name).with_context(|| {
                format!("`{template}` names the variable `{name}`, which [variables] lacks")
            })?;
            expanded.push_str(before);
            expanded.push_str(value);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

/// As Spin has it: a lower-case letter, then lower-case letters, digits and single underscores.
fn is_valid_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}

impl Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, Error>> {
        if !is_valid_name(&name) {
            return Ok(Err(Error::InvalidName(name)));
        }
        let value = self.function.variables.get(&name).cloned();
        Ok(value.ok_or_else(|| {
            Error::Undefined(format!("no variable for {:?}.{name:?}", self.function.name))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_the_environment_before_the_default_and_names_what_is_missing() {
        let manifest =
            "host = { default = \"a\" }\nport = { default = \"1\" }\nkey = { required = true }";
        let declared: BTreeMap<String, Variable> = toml::from_str(manifest).unwrap();
        let missing = Variables::resolve(&declared, &HashMap::new()).unwrap_err();
        assert!(
            missing.to_string().contains("SPIN_VARIABLE_KEY"),
            "{missing}"
        );

        let environment = HashMap::from([
            ("SPIN_VARIABLE_KEY".into(), "k".into()),
            ("SPIN_VARIABLE_PORT".into(), "2".into()),
        ]);
        let variables = Variables::resolve(&declared, &environment).unwrap();
        assert_eq!(
            variables.expand("{{ host }}:{{port}}/{{ key }}").unwrap(),
            "a:2/k"
        );
        let unknown = variables.expand("{{ nobody }}").unwrap_err();
        assert!(unknown.to_string().contains("`nobody`"), "{unknown}");
    }
}
