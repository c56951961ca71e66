//! People with a role: the first admin is made by an operator at the console, everybody else by an admin over HTTP.

use anyhow::Result;
use serde_json::json;

use crate::client::{Calls, Person};
use crate::world::{World, printed};

impl World {
    /// Runs `bridge …` as the owner of the database, as an operator would, and answers with what it printed.
    ///
    /// # Errors
    /// Where it fails, with what it said.
    pub async fn operate(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.system.bridge_command()?;
        command
            .env("DATABASE_URL", self.system.database_url())
            .args(arguments);
        printed(command).await
    }

    /// Somebody new with the role `admin`, signed in.
    ///
    /// # Errors
    /// Where the command or the sign-in fails.
    pub async fn admin(&self) -> Result<Person> {
        let person = self.api.newcomer("UTC").await?;
        self.operate(&["admin", "promote", "--email", &person.email])
            .await?;
        person.sign_in().await
    }

    /// Somebody new with this role, given by an admin, signed in.
    ///
    /// # Errors
    /// Where a request is refused.
    pub async fn staff(&self, role: &str) -> Result<Person> {
        let (admin, person) = (self.admin().await?, self.api.newcomer("UTC").await?);
        let patch = admin.patch(&format!("/api/users/{}", person.id));
        patch
            .json(&json!({ "role": role }))
            .send()
            .await?
            .expect(200)?;
        person.sign_in().await
    }
}
