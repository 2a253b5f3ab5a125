// What the simulator's commands have in common: an example in the help, and errors of one line that show it.
import { Command, InvalidArgumentError } from 'commander';

export interface CommandParts {
  /** The npm script. */
  readonly script: string;
  readonly description: string;
  /** Arguments with which the command works as it is. */
  readonly example: string;
}

export function newCommand({ script, description, example }: CommandParts): Command {
  const name = `npm run ${script} --`;
  return new Command(name)
    .description(description)
    .addHelpText('after', `\nExample:\n  ${name} ${example}`)
    .configureOutput({
      // A suggestion comes on a line of its own, and not every message ends with a full stop.
      outputError: (text, write) =>
        write(
          `${text
            .trim()
            .replaceAll('\n', ' ')
            .replace(/[^.)]$/, '$&.')} Example: ${name} ${example}\n`,
        ),
    });
}

/** Without any arguments, shows the help as an error: nothing was done. */
export async function runCommand(command: Command): Promise<void> {
  const needsArguments = command.registeredArguments.some(({ required }) => required);
  if (needsArguments && process.argv.length <= 2) command.help({ error: true });
  try {
    await command.parseAsync();
  } catch (error) {
    // Options that are each right, but not together.
    if (error instanceof InvalidArgumentError) command.error(`error: ${error.message}`);
    throw error;
  }
}
