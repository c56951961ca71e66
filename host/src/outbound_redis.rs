//! `fermyon:spin/redis`: commands to a Redis server. Every `open` is a new connection, as on Spin.
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult as Answer,
    Value,
};
use wasmtime::component::Resource;

use crate::guest::Guest;
use crate::wit::redis::{Error, Host, HostConnection, RedisParameter, RedisResult};

pub struct Connection(MultiplexedConnection);

type Reply<T> = wasmtime::Result<Result<T, Error>>;

impl Guest {
    fn redis(&self, connection: &Resource<Connection>) -> wasmtime::Result<MultiplexedConnection> {
        Ok(self.table.get(connection)?.0.clone())
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> Reply<Resource<Connection>> {
        if !self.function.allowed.allows(&address, "redis") {
            tracing::warn!(component = %self.function.name, "a Redis server that is not in allowed_outbound_hosts");
            return Ok(Err(Error::InvalidAddress));
        }
        let Ok(client) = Client::open(address) else {
            return Ok(Err(Error::InvalidAddress));
        };
        // The client's own limits are left out: Spin has none.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None);
        match client
            .get_multiplexed_async_connection_with_config(&config)
            .await
        {
            Ok(connection) => Ok(Ok(self.table.push(Connection(connection))?)),
            Err(error) => Ok(Err(other(&error))),
        }
    }

    async fn publish(
        &mut self,
        connection: Resource<Connection>,
        channel: String,
        payload: Vec<u8>,
    ) -> Reply<()> {
        reply(self.redis(&connection)?.publish(channel, payload).await)
    }

    async fn get(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Reply<Option<Vec<u8>>> {
        reply(self.redis(&connection)?.get(key).await)
    }

    async fn set(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        value: Vec<u8>,
    ) -> Reply<()> {
        reply(self.redis(&connection)?.set(key, value).await)
    }

    async fn incr(&mut self, connection: Resource<Connection>, key: String) -> Reply<i64> {
        reply(self.redis(&connection)?.incr(key, 1).await)
    }

    async fn del(&mut self, connection: Resource<Connection>, keys: Vec<String>) -> Reply<u32> {
        reply(self.redis(&connection)?.del(keys).await)
    }

    async fn sadd(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Reply<u32> {
        let added: Answer<u32> = self.redis(&connection)?.sadd(key, values).await;
        Ok(added.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedReturnType => Error::TypeError,
            _ => other(&error),
        }))
    }

    async fn smembers(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Reply<Vec<String>> {
        reply(self.redis(&connection)?.smembers(key).await)
    }

    async fn srem(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Reply<u32> {
        reply(self.redis(&connection)?.srem(key, values).await)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Reply<Vec<RedisResult>> {
        let mut command = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => command.arg(number),
                RedisParameter::Binary(bytes) => command.arg(bytes),
            };
        }
        let answer: Answer<Value> = command.query_async(&mut self.redis(&connection)?).await;
        Ok(match answer {
            Ok(value) => {
                let mut results = Vec::new();
                flatten(value, &mut results).map(|()| results)
            }
            Err(error) => Err(other(&error)),
        })
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

fn reply<T>(answer: Answer<T>) -> Reply<T> {
    Ok(answer.map_err(|error| other(&error)))
}

fn other(error: &RedisError) -> Error {
    Error::Other(error.to_string())
}

/// A list becomes its items; a guest sees only the four kinds of its interface.
fn flatten(value: Value, results: &mut Vec<RedisResult>) -> Result<(), Error> {
    match value {
        Value::Nil => results.push(RedisResult::Nil),
        Value::Int(number) => results.push(RedisResult::Int64(number)),
        Value::BulkString(bytes) => results.push(RedisResult::Binary(bytes)),
        Value::SimpleString(text) => results.push(RedisResult::Status(text)),
        Value::Okay => results.push(RedisResult::Status("OK".into())),
        Value::Array(values) => {
            for value in values {
                flatten(value, results)?;
            }
        }
        _ => {
            return Err(Error::Other(
                "could not convert the answer to what the interface has".into(),
            ));
        }
    }
    Ok(())
}
