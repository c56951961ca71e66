//! Users with a role. The bridge's command line makes the first admin; an admin gives every other role over HTTP.

use anyhow::Result;
use serde_json::json;

use crate::client::{Requests, User};
use crate::fixture::{Fixture, output_of};

impl Fixture {
    /// Runs `bridge …` with the database owner's URL, as an operator does, and returns its standard output.
    ///
    /// # Errors
    /// The command fails; the error contains its standard error.
    pub async fn run_bridge(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.system.bridge_command()?;
        command
            .env("DATABASE_URL", self.system.database_url())
            .args(arguments);
        output_of(command).await
    }

    /// A new user with the role `admin`, signed in.
    ///
    /// # Errors
    /// The command or a request fails.
    pub async fn admin(&self) -> Result<User> {
        let user = self.api.new_user("UTC").await?;
        self.run_bridge(&["admin", "promote", "--email", &user.email])
            .await?;
        user.sign_in().await
    }

    /// A new user who got this role from an admin, signed in.
    ///
    /// # Errors
    /// The command or a request fails.
    pub async fn user_with_role(&self, role: &str) -> Result<User> {
        let (admin, user) = (self.admin().await?, self.api.new_user("UTC").await?);
        let patch = admin.patch(&format!("/api/users/{}", user.id));
        patch
            .json(&json!({ "role": role }))
            .send()
            .await?
            .expect(200)?;
        user.sign_in().await
    }
}
