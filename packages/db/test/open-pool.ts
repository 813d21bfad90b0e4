import pg from 'pg';

/**
 * A pool as an app has one. Its `end` does not wait until its connections are gone (pg-pool 3.14): the server may end them
 * first, when their database is dropped, which is nobody's error.
 */
export function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
