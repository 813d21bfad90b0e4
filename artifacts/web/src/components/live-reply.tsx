import type { Conversation } from '../conversation/conversation.ts';
import type { LiveTurn } from '../conversation/state.ts';
import { GrowingMarkdown } from '../markdown/markdown.tsx';
import { useStore } from '../store.ts';
import { UserMessage } from './messages.tsx';
import { sawLine } from './receipt-line.tsx';
import { useServer } from './server-info.tsx';

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
          <span>{turn.stopping ? 'Stopping…' : notes[turn.status]}</span>
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

function FailedTurn({ conversation, turn }: LiveReplyProps) {
  const { problem } = turn;
  const unpaid = turn.status === 'unpaid';
  const title = unpaid
    ? 'The balance does not cover this message'
    : (problem?.title ?? 'This message was not answered');
  const text = unpaid
    ? 'It was not sent, and is kept. Top up, and it goes out by itself.'
    : (problem?.detail ?? 'Nothing was charged.');
  return (
    <div className="failed-turn" role="alert">
      <p>
        <strong>{title}.</strong> {text}
      </p>
      <div className="row">
        {unpaid ? (
          <button type="button" className="button" onClick={() => conversation.openTopUp()}>
            Top up
          </button>
        ) : (
          <button type="button" className="button" onClick={() => conversation.retry()}>
            Try again
          </button>
        )}
        <button type="button" className="quiet-button" onClick={() => conversation.takeBack()}>
          Edit the message
        </button>
      </div>
    </div>
  );
}
