## An awk program that puts `defaults.sites` of one JSON document (file `MERGE_FROM` of the environment) into another
## (`MERGE_INTO`) and prints it; every octet outside of that value stays. Of keys that stand twice the last one counts, as
## for Go and JavaScript. Exit status 1, with a clause on stderr, when one of them is not JSON (RFC 8259) or has no place for
## the value; what was printed then means nothing. For any POSIX awk, with LC_ALL=C; linear, so that a `pydio.json` of
## megabytes takes seconds. Holds no single quote.

# a document is read in pieces between double quotes: piece[0] " piece[1] " piece[2] ...
function fail(why) { print why >"/dev/stderr"; failed = 1; exit 1 }
function bad(what) { fail(name " is not JSON: " what) }

# the first half of a value, where one may stand; open is "{", "[" or "" for a string, number or name
function begin(open, p, o) {
  if (state == "end") bad("something follows its end")
  if (state != "value" && state != "item") bad("a value stands where none may")
  if (depth == 0 && open != "{") fail(name " is not a JSON object")
  if (depth == 1 && at_defaults) { has_defaults = 1; is_object = (open == "{"); sites_from = "" }
  if (depth == 2 && in_defaults && at_sites) { sites_from = p; sites_from_at = o }
  if (open == "") return
  in_defaults = (depth == 1) ? at_defaults : (in_defaults && depth > 0)
  kind[++depth] = open
  filled[depth] = 0
  if (depth == 1) { root = p; root_at = o + 1 }
  if (depth == 2 && in_defaults) { def = p; def_at = o + 1; def_filled = 0 }
  state = (open == "{") ? "key" : "item"
}

# the second half: (p, o) is where the value ends
function finish(p, o) {
  if (depth == 2 && in_defaults && at_sites && sites_from != "") { sites_to = p; sites_to_at = o }
  state = (depth == 0) ? "end" : "comma"
}

function scalar(p, o) {
  if (word !~ /^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)$/) bad("a word that is no value")
  word = ""
  finish(p, o)
}

function sign(c, p, o) {
  if (c == "{" || c == "[") { fill(); begin(c, p, o); return }
  if (c == "}" || c == "]") {
    if (depth == 0 || kind[depth] != (c == "}" ? "{" : "[")) bad("a bracket that was not opened")
    if (state != "comma" && !(filled[depth] == 0 && state == (c == "}" ? "key" : "item"))) bad("a bracket after a comma or a colon")
    if (depth == 1) root_filled = filled[1]
    if (depth == 2 && in_defaults) def_filled = filled[2]
    depth--
    if (depth < 2) at_sites = 0
    if (depth < 1) at_defaults = 0
    if (depth == 1) in_defaults = 0
    finish(p, o + 1)
    return
  }
  if (c == ",") {
    if (state != "comma" || depth == 0) bad("a comma where none may stand")
    state = (kind[depth] == "{") ? "key" : "value"
    return
  }
  if (state != "colon") bad("a colon where none may stand")
  state = "value"
}

function fill() { if (depth > 0) filled[depth] = 1 }

# what stands outside of strings, in slices: cutting single characters from a long text is slow in some awks
function structure(text, p,   all, from, slice, n, i, c) {
  all = length(text)
  for (from = 0; from < all; from += 512) {
    slice = substr(text, from + 1, 512)
    n = length(slice)
    for (i = 1; i <= n; i++) {
      c = substr(slice, i, 1)
      if (index(" \t\r\n", c)) { if (word != "") scalar(p, from + i - 1) }
      else if (index("{}[],:", c)) { if (word != "") scalar(p, from + i - 1); sign(c, p, from + i - 1) }
      else if (index("-+.0123456789eEtrufalsn", c) == 0) bad("a character that may stand in strings only")
      else {
        if (word == "") { fill(); begin("", p, from + i - 1) }
        if (length(word) > 4096) bad("a word that is no value")
        word = word c
      }
    }
  }
  if (word != "") scalar(p, all)
}

function backslashes(text,   n, i) {
  n = length(text)
  for (i = n; i > 0 && substr(text, i, 1) == "\\"; i--) continue
  return n - i
}

function check_string(text) {
  if (text ~ /[\001-\037]/) bad("a control character in a string")
  if (index(text, "\\") == 0) return
  gsub(/\\(["\\\/bfnrt]|u[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f])/, "", text)
  if (index(text, "\\")) bad("a backslash in a string that escapes nothing")
}

# a key, with its plain letters unescaped: all that "defaults" and "sites" need
function unescaped(key,   out, n, code, digits) {
  digits = "0123456789abcdef"
  out = ""
  while ((n = index(key, "\\")) > 0) {
    out = out substr(key, 1, n - 1)
    if (substr(key, n + 1, 1) == "u") {
      code = tolower(substr(key, n + 2, 4))
      if (substr(code, 1, 2) == "00") out = out sprintf("%c", 16 * index(digits, substr(code, 3, 1)) + index(digits, substr(code, 4, 1)) - 17)
      else out = out "?"
      key = substr(key, n + 6)
    } else {
      out = out "\\" substr(key, n + 1, 1)
      key = substr(key, n + 2)
    }
  }
  return out key
}

# p: the last piece before the string; answers the piece after it
function string(p,   last, key, is_key) {
  is_key = (state == "key")
  fill()
  if (!is_key) begin("", p, length(piece[p]))
  key = ""
  for (last = p + 1; ; last++) {
    if (last >= pieces) bad("a string without an end")
    if (backslashes(piece[last]) % 2 == 0) break
    check_string(piece[last] "\"")
    if (length(key) < 256) key = key piece[last] "\""
  }
  check_string(piece[last])
  if (length(key) < 256) key = key piece[last]
  if (!is_key) { finish(last + 1, 0); return last + 1 }
  if (depth < 3) key = unescaped(key)
  if (depth == 1) { at_defaults = (key == "defaults"); at_sites = 0 }
  if (depth == 2) at_sites = (key == "sites")
  state = "colon"
  return last + 1
}

function read(file, title,   line, got, p, quotes) {
  name = title
  pieces = 0
  while ((got = (getline line <file)) > 0) piece[pieces++] = line
  if (got < 0) fail(name " can not be read")
  close(file)
  # a quote at the very end leaves no piece behind it
  RS = "\n"
  quotes = 0
  while ((getline line <file) > 0) quotes += gsub(/"/, "&", line)
  close(file)
  RS = "\""
  state = "value"
  depth = 0
  word = sites_from = sites_to = ""
  has_defaults = is_object = in_defaults = at_defaults = at_sites = root_filled = def_filled = 0
  if (pieces == 0) bad("it is empty")
  structure(piece[0], 0)
  # a piece of structure, then a string, which is an odd piece unless it holds quotes
  for (p = 0; p < pieces - 1; structure(piece[p], p)) {
    p = string(p)
    if (p >= pieces) { pieces = p; break }
  }
  if (quotes >= pieces) bad("a string without an end")
  if (state != "end") bad("it ends too early")
}

# the text from one place to another
function span(p, o, q, r,   out, i) {
  if (p == q) return substr(piece[p], o + 1, r - o)
  out = substr(piece[p], o + 1)
  for (i = p + 1; i < q; i++) out = out "\"" piece[i]
  return out "\"" substr(piece[q], 1, r)
}

# prints the document with text in place of what stands from (p, o) to (q, r)
function replace(p, o, q, r, text,   i) {
  for (i = 0; i < p; i++) printf "%s\"", piece[i]
  printf "%s", substr(piece[p], 1, o)
  printf "%s", text
  if (q < pieces) printf "%s", substr(piece[q], r + 1)
  for (i = q + 1; i < pieces; i++) printf "\"%s", piece[i]
}

BEGIN {
  RS = "\""
  read(ENVIRON["MERGE_FROM"], "the configuration")
  if (sites_from == "") fail("the configuration has no defaults.sites")
  sites = span(sites_from, sites_from_at, sites_to, sites_to_at)
  read(ENVIRON["MERGE_INTO"], "it")
  if (!has_defaults) replace(root, root_at, root, root_at, "\"defaults\":{\"sites\":" sites "}" (root_filled ? "," : ""))
  else if (!is_object) fail("its \"defaults\" is not an object")
  else if (sites_from == "") replace(def, def_at, def, def_at, "\"sites\":" sites (def_filled ? "," : ""))
  else replace(sites_from, sites_from_at, sites_to, sites_to_at, sites)
}
