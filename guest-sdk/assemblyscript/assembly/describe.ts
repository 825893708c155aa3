import { lowerList, lowerText } from "./abi";
import { Label, lowerLabels } from "./label";

/** What a component says of itself. */
export class Description {
  private schema: string = "";
  private queries: string[] = [];
  private extras: Label[] = [];

  /** A short name, and what it does in a sentence or a page of Markdown. */
  constructor(public name: string, public doc: string) {}

  /** Sets the JSON Schema of the configuration; without one anything is accepted. */
  configSchema(schema: string): this {
    this.schema = schema;
    return this;
  }

  /**
   * Declares an instant query on the default source that is asked at every slot,
   * so that the host fetches it ahead.
   */
  query(expr: string): this {
    this.queries.push(expr);
    return this;
  }

  /** Adds a named fact. Known today: `resend` = `true` on a notifier. */
  extra(name: string, value: string): this {
    this.extras.push(new Label(name, value));
    return this;
  }

  /** @internal */
  lower(): usize {
    const at = heap.alloc(40);
    lowerText(at, this.name);
    lowerText(at + 8, this.doc);
    lowerText(at + 16, this.schema);
    lowerList<string>(at + 24, this.queries, 8, lowerText);
    lowerLabels(at + 32, this.extras);
    return at;
  }
}
