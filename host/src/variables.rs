//! The application's variables: their values from `SPIN_VARIABLE_<NAME>` or the default, and `{{ name }}` in templates.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail};

use crate::manifest::Variable;

const PREFIX: &str = "SPIN_VARIABLE_";

/// The application's variables. Each of them has a value.
#[derive(Debug)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    /// Takes each declared variable from `environment`, else from its default.
    ///
    /// # Errors
    /// When a variable has no value.
    pub fn resolve(
        declared: &BTreeMap<String, Variable>,
        environment: &HashMap<String, String>,
    ) -> Result<Self> {
        let mut values = HashMap::new();
        for (name, variable) in declared {
            let key = format!("{PREFIX}{}", name.to_uppercase());
            match environment.get(&key).or(variable.default.as_ref()) {
                Some(value) => values.insert(name.clone(), value.clone()),
                None if variable.required => {
                    bail!("the variable `{name}` is required but has no value: set {key}")
                }
                None => {
                    bail!("the variable `{name}` needs either `default` or `required = true`")
                }
            };
        }
        Ok(Self(values))
    }

    /// Replaces each `{{ name }}` in a template with the variable's value.
    ///
    /// # Errors
    /// When the template uses a variable that is not declared, or has a `{{` without `}}`.
    pub fn expand(&self, template: &str) -> Result<String> {
        let mut expanded = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .with_context(|| format!("`{template}` has a `{{{{` without `}}}}`"))?;
            let name = name.trim();
            let value = self.0.get(name).with_context(|| {
                format!(
                    "`{template}` uses the variable `{name}`, which `[variables]` does not declare"
                )
            })?;
            expanded.push_str(before);
            expanded.push_str(value);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_overrides_the_default_and_errors_name_what_is_missing() {
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
