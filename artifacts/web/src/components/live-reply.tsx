import type { Conversation } from '../conversation/conversation.ts';
import type { ConversationState, LiveTurn } from '../conversation/state.ts';
import { GrowingMarkdown } from '../markdown/markdown.tsx';
import { useStore } from '../store.ts';
import { longText } from '../long-text.tsx';
import { UserMessage } from './messages.tsx';
import { sawLine } from './saw-line.ts';
import { useServer } from './server-info.tsx';

type SessionStatus = NonNullable<ConversationState['session']>['status'];

interface LiveReplyProps {
  readonly conversation: Conversation;
  readonly turn: LiveTurn;
}

/** The turn under way: what was asked, and the reply as it arrives or why it does not. */
export function LiveReply({ conversation, turn }: LiveReplyProps) {
  const { agentName } = useServer();
  const failed = turn.status === 'failed' || turn.status === 'unpaid';
  return (
    <>
      <UserMessage message={turn} />
      <article className="message message-reply" aria-label={agentName} aria-busy={!failed}>
        {failed ? (
          <FailedTurn conversation={conversation} turn={turn} />
        ) : (
          <Arriving conversation={conversation} turn={turn} />
        )}
      </article>
    </>
  );
}

function Arriving({ conversation, turn }: LiveReplyProps) {
  const { agentName } = useServer();
  const { connected } = useStore(conversation.state);
  const text = useStore(conversation.replyText);
  const notes = {
    sending: 'Sending…',
    replying: turn.history ? sawLine(turn.history) : '',
    waiting: `${agentName} is replying to another message of this session. Yours is sent right after it.`,
    recovering: `${agentName} is still replying. It appears here as soon as it is done.`,
    unpaid: '',
    failed: '',
  };
  return (
    <>
      <Thoughts conversation={conversation} />
      {text === '' ? (
        <p className="thinking" aria-hidden="true">
          <span />
          <span />
          <span />
        </p>
      ) : (
        <div className="md">
          <GrowingMarkdown text={text} />
        </div>
      )}
      <div className="under">
        <p className="receipt">
          <span>{!connected ? 'Waiting for a connection…' : turn.stopping ? 'Stopping…' : notes[turn.status]}</span>
        </p>
        {turn.status === 'waiting' && (
          <button type="button" className="quiet-button" onClick={() => conversation.takeBack()}>
            Don’t send it
          </button>
        )}
      </div>
    </>
  );
}

/** What the model thinks before it speaks, folded: it is no part of the reply. */
function Thoughts({ conversation }: Pick<LiveReplyProps, 'conversation'>) {
  const thoughts = useStore(conversation.replyText.thoughts);
  if (thoughts === '') return null;
  return (
    <details className="thoughts">
      <summary>Thinking</summary>
      <p dir="auto">{longText(thoughts)}</p>
    </details>
  );
}

function FailedTurn({ conversation, turn }: LiveReplyProps) {
  const { session, topUp } = useStore(conversation.state);
  const unpaid = turn.status === 'unpaid';
  const { title, text } = whyFailed(turn, session?.status);
  return (
    <div className="failed-turn" role="alert">
      <p>
        <strong>{`${title}.`}</strong> <span>{longText(text)}</span>
      </p>
      {turn.notCharged && <p className="receipt">You were not charged.</p>}
      <div className="row">
        {unpaid && !topUp && session?.status !== 'closed' && (
          <button type="button" className="button" onClick={() => conversation.openTopUp()}>
            Top up
          </button>
        )}
        {!unpaid && turn.problem?.code !== 'agent-refused' && (
          <button type="button" className="button" onClick={() => conversation.retry()}>
            Try again
          </button>
        )}
        {session?.status !== 'closed' && (
          <button type="button" className="quiet-button" onClick={() => conversation.takeBack()}>
            Edit the message
          </button>
        )}
      </div>
    </div>
  );
}

function whyFailed({ status, problem }: LiveTurn, session: SessionStatus | undefined): { title: string; text: string } {
  if (status !== 'unpaid') {
    const title = problem?.title ?? 'This message was not answered';
    // Some details begin with what the title says.
    return {
      title,
      text: problem?.detail?.replace(`${title}. `, '') ?? 'Trying again is safe: it is charged once at most.',
    };
  }
  if (session === 'closed') return { title: 'This session is closed', text: 'The message was not sent.' };
  if (problem?.status === 410) {
    const text = 'The balance is there. Any top-up wakes it, and this message goes out by itself.';
    return { title: 'This session was idle for long, and sleeps', text };
  }
  return { title: 'The balance does not cover this message', text: 'Top up, and it goes out by itself.' };
}
