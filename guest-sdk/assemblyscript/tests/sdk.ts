// Each export is a test, run in an instance of its own; one that throws has failed.
import {
  Disposition, Json, Label, Request, Response, decimal, failure, fromUtf8, label, toUtf8, withoutSecrets,
} from "../assembly";
import { cabi_realloc, liftColumn, textOf } from "../assembly/abi";
import { lowerRequest } from "../assembly/notifier";
import { whole } from "../assembly/text";

function same(actual: string, expected: string): void {
  if (actual != expected) throw new Error(`expected ${expected}, got ${actual}`);
}

function failed(): string {
  const found = failure();
  return found ? `${found.code}: ${found.message}` : "";
}

function config(text: string): Json {
  return Json.parse(text, "bad_config", "the configuration");
}

export function json_reads(): void {
  const json = config(
    ` {"a": [1, -2.5e3 , 0.1], "b": {"c": true, "d": null}, "é": "x\\n\\u00e9\\ud83d\\ude00\\"\\/" , "e": [] } `,
  );
  same(json.get("a").array().length.toString(), "3");
  same(decimal(json.get("a").array()[1].number()), "-2500");
  same(json.get("b").get("c").boolean().toString(), "true");
  same(json.get("b").get("d").stringOr("none"), "none");
  same(json.get("b").get("gone").numberOr(7).toString(), "7.0");
  same(json.get("é").string(), 'x\né😀"/');
  same(json.keys.join(), "a,b,é,e");
  same(json.toString(), '{"a":[1,-2500,0.1],"b":{"c":true,"d":null},"é":"x\\né😀\\"/","e":[]}');
  same(failed(), "");
}

export function json_takes_the_last_of_equal_names(): void {
  same(config('{"a": 1, "a": 2}').get("a").integer().toString(), "2");
}

export function json_reads_numbers(): void {
  const texts = [
    "0", "-0", "1E2", "0.1", "1e-7", "123456789012345680", "1.7976931348623157e308", "5e-324", "3.2158926692170695e+43",
  ];
  const values: f64[] = [0, 0, 100, 0.1, 1e-7, 123456789012345680, f64.MAX_VALUE, 5e-324, 3.2158926692170695e43];
  for (let i = 0; i < texts.length; i++) {
    const value = config(texts[i]).number();
    if (Math.abs(value / values[i] - 1) > 1e-15) same(decimal(value), texts[i]);
  }
  same(failed(), "");
}

export function json_refuses_what_is_none(): void {
  const texts = [
    "", "{", "[1,]", "{'a':1}", '{"a" 1}', "01", "1.", "-", ".5", "1e", "+1", "nul", '"a', '"\\x"', '"\\u12g4"',
    "[1] 2", '"\t"', "NaN", "[".repeat(1000),
  ];
  for (let i = 0; i < texts.length; i++) {
    if (Json.parse(texts[i]).exists) throw new Error(`${texts[i]} was read`);
  }
  same(failed(), "bad_json: the JSON text is not JSON: expected a value at character 1");
}

export function json_says_where_it_stops(): void {
  config('{"a": [1, 2}');
  same(failed(), "bad_config: the configuration is not JSON: expected a comma or ] at character 12");
}

export function json_says_what_is_missing(): void {
  same(decimal(config("{}").get("above").number()), "NaN");
  same(failed(), "bad_config: the configuration does not fit: above: expected a number, but it is missing");
}

export function json_says_what_does_not_fit(): void {
  config('{"by": [{"name": 1}]}').get("by").array()[0].get("name").string();
  same(failed(), "bad_config: the configuration does not fit: by[0].name: expected a string, but it is 1");
}

export function json_keeps_the_first_failure(): void {
  const json = config('"text"');
  json.get("a").array();
  json.integer();
  same(failed(), "bad_config: the configuration does not fit: a: expected an array, but it is missing");
}

export function json_wants_whole_numbers(): void {
  config("[1, 1.5]").array()[1].integer();
  same(failed(), "bad_config: the configuration does not fit: [1]: expected a whole number, but it is 1.5");
}

export function json_writes(): void {
  const json = Json.object().set("text", 'a"b\\\x01\n').set("n", 3).set("x", 0.5).set("nan", NaN).set("on", false);
  json.set("list", ["a", "b"]).set("nested", Json.array().push(1).push(Json.object()));
  same(
    json.toString(),
    '{"text":"a\\"b\\\\\\u0001\\n","n":3,"x":0.5,"nan":null,"on":false,"list":["a","b"],"nested":[1,{}]}',
  );
}

export function labels_have_plain_numbers(): void {
  const labels: Label[] = [label("a", 1.0), label("b", <i64>-5), label("c", true), label("d", "x"), label("e", 0.25)];
  same(labels.map<string>((label: Label) => label.value).join(), "1,-5,true,x,0.25");
}

function bytes(values: i32[]): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = <u8>values[i];
  return bytes;
}

export function utf8_is_read_whatever_it_is(): void {
  same(fromUtf8(toUtf8("aé€😀")), "aé€😀");
  same(fromUtf8(bytes([0x61, 0xff, 0x62])), "a\ufffdb");
  same(fromUtf8(bytes([0xc3])), "\ufffd");
  same(fromUtf8(bytes([0xc0, 0x80])), "\ufffd\ufffd");
  same(fromUtf8(bytes([0xed, 0xa0, 0x80])), "\ufffd\ufffd\ufffd");
  same(fromUtf8(bytes([0xf0, 0x9f, 0x98, 0x61])), "\ufffd\ufffd\ufffda");
  same(fromUtf8(toUtf8("\ud83d!")), "\ufffd!");
}

export function what_the_host_writes_is_taken_over(): void {
  const text = cabi_realloc(0, 0, 2, 8);
  store<u32>(text, 0x00690068);
  const shrunk = cabi_realloc(text, 8, 2, 4);
  same(textOf(shrunk, 2), "hi");
  same(textOf(cabi_realloc(0, 0, 2, 0), 0), "");

  const column = cabi_realloc(0, 0, 8, 16);
  store<f64>(column, 1.5);
  store<f64>(column, 2.5, 8);
  const grown = cabi_realloc(column, 16, 8, 4096);
  const at = cabi_realloc(0, 0, 4, 8);
  store<usize>(at, cabi_realloc(grown, 4096, 8, 16));
  store<i32>(at, 2, 4);
  const values = liftColumn<f64>(at);
  same(values.toString(), "1.5,2.5");
  store<i32>(at, 0, 4);
  same(liftColumn<f64>(at).length.toString(), "0");
}

export function halves_of_pairs_are_not_handed_over(): void {
  same(whole("a😀b€"), "a😀b€");
  same(whole("abc" + "😀".substring(0, 1)), "abc\ufffd");
  same(whole("abcd" + "😀".substring(1) + "é"), "abcd\ufffdé");
  same(whole(""), "");
}

function answer(status: i32, body: string, headers: Label[] = []): Disposition {
  return Disposition.of(new Response(status, headers, toUtf8(body)));
}

export function answers_mean_what_their_status_says(): void {
  same(answer(204, "").kind, "delivered");
  same(answer(404, " gone ").kind, "failed");
  same(answer(404, " gone ").reason, "status 404: gone");
  same(answer(503, "").kind, "retry");
  same(answer(503, "").retryAfterMs.toString(), "-1");
  same(answer(429, "", [new Label("Retry-AFTER", " 7 ")]).retryAfterMs.toString(), "7000");
  same(answer(408, "", [new Label("retry-after", "-7")]).retryAfterMs.toString(), "-1");
  same(answer(408, "", [new Label("retry-after", "Wed, 21 Oct")]).retryAfterMs.toString(), "-1");
  same(answer(404, "😀".repeat(300)).reason, "status 404: " + "😀".repeat(200));
}

export function requests_ask_for_no_secret_of_a_label(): void {
  const request = Request.postJson("https://x", Json.object().set("text", "{{secret:a}}"));
  same(fromUtf8(request.body), '{"text":"{\\u007bsecret:a}}"}');
  same(request.headers[0].value, "application/json");
  same(withoutSecrets("{{secret:a}}"), "{ {secret:a}}");
  lowerRequest(heap.alloc(40), request);
  same(failed(), "");
}

export function requests_want_a_url(): void {
  Request.post("nowhere", "");
  same(failed(), 'bad_config: url: "nowhere" starts with neither http://, https:// nor {{secret:NAME}}');
}
