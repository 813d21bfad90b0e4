import { Tower } from './icons.tsx';

interface Action {
  readonly label: string;
  readonly run: () => void;
}

interface StatusScreenProps {
  readonly title: string;
  readonly text: string;
  readonly action?: Action;
  readonly secondAction?: Action;
}

/** When there is nothing else to show: what happened, and what can be done. */
export function StatusScreen({ title, text, action, secondAction }: StatusScreenProps) {
  return (
    <div className="status-screen" role="status">
      <Tower />
      <h1>{title}</h1>
      <p>{text}</p>
      <div className="row">
        {action && (
          <button type="button" className="button" onClick={action.run}>
            {action.label}
          </button>
        )}
        {secondAction && (
          <button type="button" className="quiet-button" onClick={secondAction.run}>
            {secondAction.label}
          </button>
        )}
      </div>
    </div>
  );
}
