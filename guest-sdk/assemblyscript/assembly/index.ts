/** Alert rules and notifiers for wasmalert: all that an author uses. */
import * as log from "./log";
import * as metrics from "./metrics";
import * as state from "./state";
import * as timers from "./timers";

export { log, metrics, state, timers };
export { Description } from "./describe";
export { Failure, fail, failure } from "./failure";
export { Json, JsonKind } from "./json";
export { Label, Labels, label } from "./label";
export { Alert, Batch, Disposition, Request, Response, secret, withoutSecrets } from "./notifier";
export {
  Frame, LabelColumn, Query, QueryError, RangeQuery, Samples, Series, prefetch, query, queryAll,
} from "./query";
export { Context, Finding, Outcome, RecordedSample, Trigger } from "./rule";
export { decimal, fromUtf8, toUtf8 } from "./text";
