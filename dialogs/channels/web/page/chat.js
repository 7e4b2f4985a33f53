// The chat page: what the person does goes to the line, what comes from it is shown.

import { Line } from "./line.js";
import { entryItem, queuedItem } from "./show.js";

const OVER = ["COMPLETED", "TIMED_OUT", "CANCELLED"];
const ENDINGS = {
  COMPLETED: "The conversation has ended.",
  TIMED_OUT: "The conversation has ended: the time for an answer is over.",
  CANCELLED: "The conversation was cancelled.",
  INITIATED: "Say something to begin.",
};

const base = new URL(".", location.href);
const storeKey = `dialogs ${base.pathname} `;
const { access, opening, limit } = document.documentElement.dataset;
const [log, queue, typing, over, ending, again, notice, form, text, connection, fresh] = [
  "log", "queue", "typing", "over", "ending", "again", "notice", "form", "text", "connection", "new",
].map((id) => document.getElementById(id));
const main = document.querySelector("main");
const touch = matchMedia("(pointer: coarse)");
const speaker = document.title;

let standing = null;
let typingTimer = 0;
let atEnd = true;

// --- access -------------------------------------------------------------------------------

// What the browser keeps; where it may keep nothing, the page does while it is open.
function storeOf(kind) {
  const here = new Map();
  return {
    get(name) {
      try {
        return window[kind].getItem(storeKey + name) ?? here.get(name);
      } catch {
        return here.get(name);
      }
    },
    set(name, value) {
      here.set(name, value);
      try {
        window[kind].setItem(storeKey + name, value);
      } catch {
        // then not for the next page
      }
    },
  };
}

const browser = storeOf("localStorage");
const tab = storeOf("sessionStorage");

function kept() {
  return JSON.parse(browser.get("") ?? "null");
}

function keep(held) {
  browser.set("", JSON.stringify({ id: held.id, token: held.token }));
  return held;
}

async function start() {
  const answer = await fetch(new URL("conversations", base), { method: "POST" });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw [401, 403].includes(answer.status) ? { closed: body.detail ?? "Not allowed." } : body;
}

// Two tabs that open at once share what the first of them starts.
const alone = (task) => (navigator.locks ? navigator.locks.request(storeKey, task) : task());

function held(another) {
  if (access === "users") return start();
  return alone(async () => (another ? null : kept()) ?? keep(await start()));
}

async function fetchFile(path) {
  const headers = access === "users" ? {} : { Authorization: `Bearer ${kept().token}` };
  const answer = await fetch(new URL(path, base), { headers });
  if (!answer.ok) throw new Error(answer.status);
  return answer.blob();
}

// --- what comes ---------------------------------------------------------------------------

const line = new Line(base, held, tab, {
  state(name, words) {
    connection.dataset.state = name;
    if (connection.textContent !== words) connection.textContent = words;
    if (name === "closed" && access === "tokens") fresh.hidden = false;
  },
  refused() {
    if (access === "users") line.retry();
    else this.state("closed", "This conversation cannot be opened any more.");
  },
  welcome({ id, token }) {
    if (token) keep({ id, token });
    fresh.hidden = access === "users";
    if (log.dataset.id !== id) {
      log.replaceChildren();
      log.dataset.id = id;
      say("");
    }
  },
  news(frame) {
    const first = !log.childElementCount;
    if (frame.standing.status === "INITIATED") log.replaceChildren();
    // What was said before the page was opened is there to be read, and not read out.
    const isOld = first && frame.messages.some((entry) => entry.by_client);
    log.parentElement.ariaLive = isOld ? "off" : "polite";
    frame.messages.forEach(add);
    standing = frame.standing;
    showStanding(frame.typing);
    if (first) toEnd();
  },
  answered(frame, message) {
    if (frame.problem) say(`${frame.problem.detail} ${frame.problem.remedy}`);
    else if (frame.stale) {
      say("That question is over, so your answer was not counted. Please look at the latest one.");
      if (message?.text && !text.value) write(message.text);
    }
  },
  queue(messages) {
    queue.replaceChildren(
      ...messages.map((message) =>
        queuedItem(message, (what) => {
          line[what](message);
          ready();
        }),
      ),
    );
    showButtons();
    if (messages.length) toEnd();
  },
});

function add(entry) {
  const item = entryItem(entry, speaker, press, fetchFile);
  const before = log.lastElementChild;
  if (item.childElementCount === 1) return; // a time, and nothing was said
  // Of messages in a row, the last one says when.
  const [earlier, later] = [before, item].map((one) => one?.querySelector("time"));
  if (before?.className === item.className && earlier.textContent === later.textContent) {
    earlier.hidden = true;
  }
  log.append(item);
}

function showStanding(isTyping) {
  clearTimeout(typingTimer);
  if (isTyping) typingTimer = setTimeout(() => (typing.hidden = false), 250);
  else typing.hidden = true;
  over.hidden = isTyping || !(standing.status in ENDINGS);
  // A message begins the next run; without one, only a dialog that needs none.
  again.hidden = opening === "needed" || standing.status === "INITIATED";
  ending.textContent = ENDINGS[standing.status] ?? "";
  showButtons();
}

// A button can be pressed while its question is open, and once.
function showButtons() {
  const pressed = line.queue.map((message) => message.button?.message);
  for (const item of log.querySelectorAll("li:has(.buttons)")) {
    const number = Number(item.dataset.number);
    const open = standing?.answerable.includes(number) && !pressed.includes(number);
    for (const button of item.querySelectorAll(".buttons button")) button.disabled = !open;
  }
}

function say(words) {
  notice.textContent = words;
  notice.hidden = !words;
}

function write(words) {
  text.value = words;
  tab.set("draft", words);
}

function toEnd() {
  atEnd = true;
  main.scrollTop = main.scrollHeight;
}

// Who reads the end keeps seeing it, whatever grows; who has scrolled up stays there.
main.onscroll = () => (atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 80);
const sizes = new ResizeObserver(() => atEnd && toEnd());
for (const part of [main, log, queue, typing, over]) sizes.observe(part);

// --- what the person does -----------------------------------------------------------------

function press(entry, index) {
  say("");
  const label = entry.buttons[index].label;
  line.say({ button: { message: entry.number, index }, label });
  ready();
}

// Ready to type; not on a phone, where a keyboard would hide the answer.
function ready() {
  if (!touch.matches) text.focus();
}

// Typing a button's label is as good as pressing it.
function buttonNamed(typed) {
  const word = typed.trim().toLowerCase();
  const buttons = [...log.querySelectorAll(".buttons button:not(:disabled)")];
  return buttons.findLast((button) => button.textContent.trim().toLowerCase() === word);
}

form.onsubmit = (event) => {
  event.preventDefault();
  const typed = text.value.trim();
  if (!typed) return;
  if (new TextEncoder().encode(JSON.stringify(typed)).length > limit - 1_000) {
    say("The message is too long. Please say it in several.");
    return;
  }
  say("");
  write("");
  text.focus();
  const button = buttonNamed(typed);
  if (button) button.click();
  else {
    // What is typed behind another message answers whatever comes then.
    const in_reply_to = line.queue.length ? undefined : standing?.prompt ?? undefined;
    line.say({ text: typed, in_reply_to });
  }
};

text.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
};

again.onclick = () => {
  line.begin();
  ready();
};

fresh.onclick = () => {
  const open = standing && !OVER.includes(standing.status) && connection.dataset.state !== "closed";
  if (open && !confirm("Leave this conversation? You cannot come back to it.")) return;
  line.open(true);
  ready();
};

// Another tab began another conversation: this one goes along.
addEventListener("storage", ({ key }) => {
  if (key === storeKey && kept() && kept().id !== line.id) line.open();
});

// What was being typed is there again after a reload.
write(tab.get("draft") ?? "");
text.oninput = () => write(text.value);

line.open();
ready();
