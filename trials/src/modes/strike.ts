import type { Random } from '../random.ts';
import type { Scene } from '../scene.ts';
import type { Work } from '../work.ts';

/**
 * One blow while the clients work. Resolves once the clients have stopped, a server is up again, and everything has had the
 * time to recover.
 */
export type Strike = (scene: Scene, round: { readonly random: Random; readonly work: Work }) => Promise<void>;
