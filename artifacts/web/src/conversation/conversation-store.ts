import { Store } from '../store.ts';
import { type ConversationState, initialState, type LiveTurn } from './state.ts';

/** What a conversation shows, which its parts change each in its own places. */
export class ConversationStore extends Store<ConversationState> {
  constructor() {
    super(initialState);
  }

  change(change: Partial<ConversationState>): void {
    this.set({ ...this.get(), ...change });
  }

  /** Changes the turn under way, if there is one. */
  changeTurn(change: Partial<LiveTurn>): void {
    const { turn } = this.get();
    if (turn) this.change({ turn: { ...turn, ...change } });
  }

  setConnected(connected: boolean): void {
    if (this.get().connected !== connected) this.change({ connected });
  }

  announce(announcement: string): void {
    this.change({ announcement });
  }
}
