// A button that asks the service to do something, and says what became of it.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Fault } from './basics.js';

export interface Outcome {
  readonly text: string;
  readonly isGood: boolean;
}

export function useAction() {
  const [outcome, setOutcome] = useState<Outcome | undefined>();
  const [isRunning, setRunning] = useState(false);
  const run = async (work: () => Promise<Outcome>) => {
    setRunning(true);
    setOutcome(undefined);
    setOutcome(await work().catch((error: unknown) => ({ text: (error as Error).message, isGood: false })));
    setRunning(false);
  };
  return { outcome, isRunning, run };
}

export function OutcomeNote({ outcome }: { outcome: Outcome | undefined }) {
  if (!outcome) return null;
  return outcome.isGood ? (
    <p class="done" role="status">
      {outcome.text}
    </p>
  ) : (
    <Fault message={outcome.text} />
  );
}

interface ActionButtonProps {
  readonly action: ReturnType<typeof useAction>;
  readonly work: () => Promise<Outcome>;
  /** Asked first, where the click cannot be undone. */
  readonly question?: string;
  readonly children: ComponentChildren;
}

export function ActionButton({ action, work, question, children }: ActionButtonProps) {
  const click = () => {
    if (question === undefined || confirm(question)) void action.run(work);
  };
  return (
    <button type="button" class="small" disabled={action.isRunning} onClick={click}>
      {children}
    </button>
  );
}
