// What a PostgreSQL of our own looks like from outside, however it came to run.

/** A PostgreSQL of our own that accepts connections. */
export interface EmbeddedPostgres {
  readonly pid: number;
  readonly port: number;
  readonly dataDirectory: string;
  /** It was running already. */
  readonly adopted: boolean;
  /** The address of one of its databases, `postgres` when none is named. It holds the password. */
  url(database?: string): string;
  /** Resolves once the server is gone. Safe to call twice. */
  stop(): Promise<void>;
}

/** The password is base64url, which needs no escaping. */
export const serverUrl = (server: { port: number; password: string; database: string | undefined }): string =>
  `postgres://postgres:${server.password}@127.0.0.1:${server.port}/${encodeURIComponent(server.database ?? 'postgres')}`;
