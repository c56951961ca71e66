//! `fermyon:spin/redis`: commands to a Redis server. Every `open` is a new connection, as on Spin.

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, Client, ErrorKind, RedisError, Value};
use wasmtime::component::Resource;

use crate::instance::InstanceState;
use crate::wit::redis::{Error, Host, HostConnection, RedisParameter, RedisResult};

/// The inner error goes to the function; the outer one traps it.
type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl InstanceState {
    /// A handle to a connection that the function has opened.
    fn redis(
        &self,
        connection: &Resource<MultiplexedConnection>,
    ) -> wasmtime::Result<MultiplexedConnection> {
        Ok(self.table.get(connection)?.clone())
    }
}

impl Host for InstanceState {}

impl HostConnection for InstanceState {
    async fn open(&mut self, address: String) -> HostResult<Resource<MultiplexedConnection>> {
        if !self.settings.allowed_hosts.allows(&address, "redis") {
            tracing::warn!(component = %self.settings.name, "allowed_outbound_hosts does not allow this Redis server");
            return Ok(Err(Error::InvalidAddress));
        }
        let Ok(client) = Client::open(address) else {
            return Ok(Err(Error::InvalidAddress));
        };
        // The client's default timeouts are switched off, because Spin has none.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None);
        match client
            .get_multiplexed_async_connection_with_config(&config)
            .await
        {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(other(&error))),
        }
    }

    async fn publish(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        channel: String,
        payload: Vec<u8>,
    ) -> HostResult<()> {
        to_host_result(self.redis(&connection)?.publish(channel, payload).await)
    }

    async fn get(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        key: String,
    ) -> HostResult<Option<Vec<u8>>> {
        to_host_result(self.redis(&connection)?.get(key).await)
    }

    async fn set(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        key: String,
        value: Vec<u8>,
    ) -> HostResult<()> {
        to_host_result(self.redis(&connection)?.set(key, value).await)
    }

    async fn incr(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        key: String,
    ) -> HostResult<i64> {
        to_host_result(self.redis(&connection)?.incr(key, 1).await)
    }

    async fn del(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        keys: Vec<String>,
    ) -> HostResult<u32> {
        to_host_result(self.redis(&connection)?.del(keys).await)
    }

    async fn sadd(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        key: String,
        values: Vec<String>,
    ) -> HostResult<u32> {
        let added: redis::RedisResult<u32> = self.redis(&connection)?.sadd(key, values).await;
        Ok(added.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedReturnType => Error::TypeError,
            _ => other(&error),
        }))
    }

    async fn smembers(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        key: String,
    ) -> HostResult<Vec<String>> {
        to_host_result(self.redis(&connection)?.smembers(key).await)
    }

    async fn srem(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        key: String,
        values: Vec<String>,
    ) -> HostResult<u32> {
        to_host_result(self.redis(&connection)?.srem(key, values).await)
    }

    async fn execute(
        &mut self,
        connection: Resource<MultiplexedConnection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> HostResult<Vec<RedisResult>> {
        let mut command = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => command.arg(number),
                RedisParameter::Binary(bytes) => command.arg(bytes),
            };
        }
        let result: redis::RedisResult<Value> =
            command.query_async(&mut self.redis(&connection)?).await;
        Ok(match result {
            Ok(value) => {
                let mut results = Vec::new();
                flatten(value, &mut results).map(|()| results)
            }
            Err(error) => Err(other(&error)),
        })
    }

    async fn drop(&mut self, connection: Resource<MultiplexedConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

fn to_host_result<T>(result: redis::RedisResult<T>) -> HostResult<T> {
    Ok(result.map_err(|error| other(&error)))
}

fn other(error: &RedisError) -> Error {
    Error::Other(error.to_string())
}

/// Appends a reply to `results`. The interface has no arrays, so an array becomes its items. Types of RESP3 are
/// refused.
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
                "could not convert the Redis reply to a type of the interface".into(),
            ));
        }
    }
    Ok(())
}
