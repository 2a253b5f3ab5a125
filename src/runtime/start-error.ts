/** What whoever runs the service can mend: the message names the setting and says what to do, and is logged alone. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
