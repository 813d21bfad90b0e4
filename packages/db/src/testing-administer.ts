import pg from 'pg';

/** Runs statements on the server of `url`, from a database that is nobody's template unless another is named. */
export async function administer(url: string, statement: string, database = 'postgres'): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(url, database) });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
