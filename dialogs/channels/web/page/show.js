// How messages look. Whatever a message says is text: nothing here makes HTML of it.

// An address in a text; what turns the direction of writing, and could disguise it, ends it.
const ADDRESS = /https?:\/\/[^\s<>"\u202a-\u202e\u2066-\u2069]*[^\s<>"\u202a-\u202e\u2066-\u2069'.,;:!?)\]]/g;
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function bubble(mine, speaker, text) {
  const item = element("li", mine ? "mine" : "theirs");
  const said = element("p", "bubble");
  const words = element("span", "words");
  words.dir = "auto"; // as the text is written, whoever speaks
  words.append(...withLinks(text));
  said.append(element("span", "aside", `${speaker}: `), words);
  if (text) item.append(said);
  return item;
}

// A text in pieces: the addresses in it can be followed.
function withLinks(text) {
  const pieces = [];
  let end = 0;
  for (const { 0: address, index } of text.matchAll(ADDRESS)) {
    const url = addressOf(address);
    if (!url) continue;
    pieces.push(text.slice(end, index), anchor(url, address));
    end = index + address.length;
  }
  return [...pieces, text.slice(end)];
}

// The time of a message; with its day, where that is not today.
function timeOf(at) {
  const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const day = at.toDateString() === new Date().toDateString() ? "" : at.toLocaleDateString();
  const time = element("time", "", `${day} ${clock}`.trim());
  time.dateTime = at.toISOString();
  time.title = at.toLocaleString();
  return time;
}

// One message of the transcript. press(entry, index) is called for its buttons, and fetchFile(path)
// gets a file's bytes.
export function entryItem(entry, speaker, press, fetchFile) {
  const item = bubble(entry.by_client, entry.by_client ? "You" : speaker, entry.text);
  item.dataset.number = entry.number;
  if (entry.attachments.length) item.append(filesOf(entry, fetchFile));
  if (entry.buttons.length) {
    const group = element("div", "buttons");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Answers");
    for (const { index, label } of entry.buttons) {
      const button = element("button", "", label.trim() || `${index + 1}`);
      button.type = "button";
      button.dir = "auto";
      button.onclick = () => press(entry, index);
      group.append(button);
    }
    item.append(group);
  }
  item.append(timeOf(new Date(entry.at * 1_000)));
  return item;
}

// A message on its way, or one that did not get there: act("again") or act("discard") is called.
export function queuedItem(message, act) {
  const item = bubble(true, "You", message.label ?? message.text);
  item.classList.add(message.problem ? "failed" : "waiting");
  const state = element("div", "state", message.problem ? `Not sent: ${message.problem.detail}` : "Sending…");
  item.append(state);
  if (message.problem) {
    state.role = "alert"; // read out
    const group = element("div", "buttons");
    for (const [label, what] of [["Send again", "again"], ["Discard", "discard"]]) {
      const button = element("button", "", label);
      button.type = "button";
      button.onclick = () => act(what);
      group.append(button);
    }
    item.append(group);
  }
  return item;
}

// --- files --------------------------------------------------------------------------------

function filesOf(entry, fetchFile) {
  const list = element("div", "files");
  for (const file of entry.attachments) {
    if (file.file) list.append(keptFile(file, fetchFile));
    else list.append(linkedFile(file));
  }
  return list;
}

function linkedFile(file) {
  const url = addressOf(file.url);
  if (!url) return element("span", "", file.name);
  const ours = url.origin === location.origin;
  const isImage = file.media_type.startsWith("image/") && (ours || url.protocol === "https:");
  return anchor(url, isImage ? picture(url.href, file.name) : file.name);
}

function anchor(url, shown) {
  const link = element("a");
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.append(shown);
  return link;
}

// A link that a person can follow without running anything: http(s), or this site.
function addressOf(text) {
  try {
    const url = new URL(text ?? "", document.baseURI);
    return text && ["http:", "https:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

function picture(source, name) {
  const image = element("img");
  image.alt = name;
  image.referrerPolicy = "no-referrer";
  image.src = source;
  return image;
}

// The bytes are in the conversation: they are fetched as every other resource, with the token.
function keptFile(file, fetchFile) {
  const place = element("span");
  const save = element("button", "", `Save ${file.name}`);
  save.type = "button";
  save.onclick = async () => {
    const address = URL.createObjectURL(await fetchFile(file.file));
    const link = element("a");
    link.href = address;
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  };
  place.append(save);
  if (IMAGES.includes(file.media_type)) {
    fetchFile(file.file).then(
      (blob) => place.replaceChildren(picture(URL.createObjectURL(blob), file.name)),
      () => {},
    );
  }
  return place;
}
