// SseParser: turns pieces of an event stream, cut anywhere, into its events.

export interface SseEvent {
  name: string;
  data: string;
}

export class SseParser {
  private held = '';
  private name = '';
  private data: string[] = [];

  feed(piece: string): SseEvent[] {
    const events: SseEvent[] = [];
    const lines = (this.held + piece).split('\n');
    this.held = lines.pop() as string;
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (this.data.length > 0) events.push({ name: this.name, data: this.data.join('\n') });
        this.name = '';
        this.data = [];
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue; // a comment: the heartbeat
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
      if (field === 'event') this.name = value;
      if (field === 'data') this.data.push(value);
    }
    return events;
  }
}
