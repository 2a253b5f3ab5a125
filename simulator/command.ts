// What the simulator's commands share: an example in the help, and one-line errors that show it.
import { Command, InvalidArgumentError } from 'commander';

export interface CommandParts {
  /** The npm script. */
  readonly script: string;
  readonly description: string;
  /** Arguments with which the command works unchanged. */
  readonly example: string;
}

export function newCommand({ script, description, example }: CommandParts): Command {
  const name = `npm run ${script} --`;
  return new Command(name)
    .description(description)
    .addHelpText('after', `\nExample:\n  ${name} ${example}`)
    .configureOutput({
      // Commander puts suggestions on a line of their own, and not every message ends with a full stop.
      outputError: (text, write) =>
        write(
          `${text
            .trim()
            .replaceAll('\n', ' ')
            .replace(/[^.)]$/, '$&.')} Example: ${name} ${example}\n`,
        ),
    });
}

/** Without required arguments, shows the help and fails: nothing was done. */
export async function runCommand(command: Command): Promise<void> {
  const needsArguments = command.registeredArguments.some(({ required }) => required);
  if (needsArguments && process.argv.length <= 2) command.help({ error: true });
  try {
    await command.parseAsync();
  } catch (error) {
    // Options that are valid on their own, but not in combination.
    if (error instanceof InvalidArgumentError) command.error(`error: ${error.message}`);
    throw error;
  }
}
