// The connection to one conversation: opened, watched, healed; and the messages on their way.
//
// A message stays in the queue until the server has answered it. After a lost connection, and
// after a reload, it is sent again under its message_id, which counts once.

const PING_MS = 25_000;
const DEAD_MS = 40_000;
const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 15_000;
const NO_TOKEN = 4401;
const CROWDED = 4409;
const RENEW = 4440;
const AT_FAULT = [4400, 1003, 1009]; // the frame that was sent cannot be taken

export class Line {
  // access: gives {id, token}, or throws {closed: text} or anything else that may pass.
  // on: what is called: state(name, text), news(frame), answered(frame, message), queue(messages),
  //     welcome(frame), refused() where the token is not valid.
  // store: keeps text by name in this tab.
  constructor(base, access, store, on) {
    this.live = new URL("live", base);
    this.live.protocol = this.live.protocol === "https:" ? "wss:" : "ws:";
    this.access = access;
    this.store = store;
    this.on = on;
    this.after = 0;
    this.failures = 0;
    this.queue = [];
    this.socket = null;
    this.ready = false;
    this.sent = null; // the message_id that waits for its answer
    setInterval(() => this.watch(), 5_000);
    for (const event of ["online", "focus"]) addEventListener(event, () => this.hurry());
    addEventListener("offline", () => this.socket && this.lose());
  }

  // Open a conversation, with the messages that were on their way to it.
  async open(fresh = false) {
    this.drop();
    clearTimeout(this.timer);
    const attempt = (this.attempt = {});
    this.on.state("connecting", "Connecting…");
    let held;
    try {
      held = await this.access(fresh);
    } catch (error) {
      if (attempt !== this.attempt) return;
      if (error.closed) this.on.state("closed", error.closed);
      else this.retry();
      return;
    }
    if (attempt !== this.attempt) return;
    if (held.id !== this.id) this.take(held.id);
    const socket = (this.socket = new WebSocket(this.live));
    this.heard = Date.now();
    socket.onopen = () =>
      socket.send(JSON.stringify({ type: "hello", token: held.token, after: this.after }));
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.closed(code);
  }

  take(id) {
    const early = this.id ? [] : this.queue; // said before there was a conversation
    this.id = id;
    this.after = 0;
    this.queue = [...JSON.parse(this.store.get(id) ?? "[]"), ...early];
    this.keep();
  }

  // --- messages ---------------------------------------------------------------------------

  say(message) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    message.message_id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.queue.push(message);
    this.keep();
    this.send();
  }

  again(message) {
    delete message.problem;
    this.keep();
    this.send();
  }

  discard(message) {
    this.queue = this.queue.filter((other) => other !== message);
    this.keep();
  }

  begin() {
    if (this.ready) this.socket.send(JSON.stringify({ type: "start" }));
  }

  keep() {
    if (this.id) this.store.set(this.id, JSON.stringify(this.queue));
    this.on.queue(this.queue);
  }

  send() {
    const next = this.queue.find((message) => !message.problem);
    if (!this.ready || this.sent || !next) return;
    this.sent = next.message_id;
    const { text, button, message_id, in_reply_to } = next;
    this.socket.send(JSON.stringify({ type: "message", text, button, message_id, in_reply_to }));
  }

  // --- frames -----------------------------------------------------------------------------

  hear(frame) {
    this.heard = Date.now();
    this.pinged = false;
    if (frame.type === "welcome") {
      this.ready = true;
      this.on.welcome(frame);
      this.send();
    } else if (frame.type === "news") {
      this.failures = 0;
      for (const { number } of frame.messages) this.after = Math.max(this.after, number);
      this.on.state("open", "Connected");
      this.on.news(frame);
    } else if (frame.type === "answered" || frame.type === "refused") {
      this.settle(frame);
    }
  }

  settle(frame) {
    if (frame.message_id !== this.sent || !this.sent) {
      if (frame.problem) this.on.answered(frame, null);
      return;
    }
    this.sent = null;
    const message = this.queue.find((other) => other.message_id === frame.message_id);
    if (frame.type === "answered") {
      this.discard(message);
      this.on.answered(frame, message);
    } else if (frame.problem.retry_after) {
      this.later = setTimeout(() => this.send(), frame.problem.retry_after * 1_000);
      this.on.answered(frame, message);
      return;
    } else {
      message.problem = frame.problem;
      this.keep();
    }
    this.send();
  }

  // --- losing it --------------------------------------------------------------------------

  watch() {
    if (!this.socket) return;
    const silence = Date.now() - this.heard;
    if (silence > DEAD_MS) this.lose();
    else if (silence > PING_MS && this.ready && !this.pinged) {
      this.pinged = true;
      this.socket.send(JSON.stringify({ type: "ping" }));
    }
  }

  drop() {
    if (this.socket) {
      this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
      this.socket.close();
    }
    this.socket = null;
    this.ready = false;
    this.sent = null;
    clearTimeout(this.later);
  }

  lose() {
    this.drop();
    this.retry();
  }

  closed(code) {
    const fault = AT_FAULT.includes(code) && this.queue.find((one) => one.message_id === this.sent);
    if (fault) {
      fault.problem = { detail: "The server does not take this message." };
      this.keep();
    }
    this.drop();
    if (code === RENEW) this.open();
    else if (code === NO_TOKEN) this.on.refused();
    else if (code === CROWDED) this.retry("Open in too many places. Trying again…");
    else this.retry();
  }

  retry(words = "Connection lost. Trying again…") {
    const pause = Math.min(FIRST_RETRY_MS * 2 ** this.failures++, LAST_RETRY_MS);
    this.on.state("lost", words);
    clearTimeout(this.timer);
    this.waiting = true;
    this.timer = setTimeout(() => {
      this.waiting = false;
      this.open();
    }, pause * (0.75 + Math.random() / 2));
  }

  hurry() {
    if (!this.waiting) return;
    this.waiting = false;
    this.failures = 0;
    this.open();
  }
}
