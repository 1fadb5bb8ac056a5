// Guards that nothing which was started lives on: which processes run, and which of them come from one of ours.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * @typedef {object} RunningProcess
 * @property {number} pid
 * @property {number} ppid
 * @property {string} command the program's name, shortened by the system
 * @property {string} started in the system's own form; with the pid it tells a process from a later one of the same number
 */

/**
 * All processes that run, without those that ended and are only not yet collected by their parent.
 * @returns {RunningProcess[]}
 */
export function listProcesses() {
  return existsSync("/proc/self/stat") ? readProc() : readPs();
}

/**
 * The processes that a process started, and those that these started.
 * @param {number} pid
 * @returns {RunningProcess[]}
 */
export function descendantsOf(pid) {
  const all = listProcesses();
  /** @type {RunningProcess[]} */
  const found = [];
  for (let parents = [pid]; parents.length > 0; ) {
    const children = all.filter((process) => parents.includes(process.ppid));
    found.push(...children);
    parents = children.map((process) => process.pid);
  }
  return found;
}

/**
 * Kills those of the processes that still run, and gives them back.
 * @param {RunningProcess[]} processes
 * @returns {RunningProcess[]}
 */
export function killRemaining(processes) {
  const running = listProcesses();
  return processes.filter((one) => {
    if (!running.some((other) => other.pid === one.pid && other.started === one.started)) return false;
    try {
      process.kill(one.pid, "SIGKILL");
      return true;
    } catch {
      // ended between the two lines
      return false;
    }
  });
}

function readProc() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return parseStat(Number(name), readFileSync(`/proc/${name}/stat`, "utf8"));
      } catch {
        // ended since the folder was listed
        return [];
      }
    });
}

/**
 * Fields of proc_pid_stat(5): the command stands in parentheses and may hold some itself; then state (3), ppid (4), start (22).
 * @param {number} pid
 * @param {string} stat
 * @returns {RunningProcess[]}
 */
function parseStat(pid, stat) {
  const end = stat.lastIndexOf(")");
  const command = stat.slice(stat.indexOf("(") + 1, end);
  const fields = stat.slice(end + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return [];
  return [{ pid, ppid: Number(fields[1]), command, started: fields[19] ?? "" }];
}

function readPs() {
  // lstart has five words: Mon Nov 23 14:24:33 2026
  const line = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+((?:\S+\s+){4}\S+)\s+(.*)$/;
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,lstart=,comm="], { encoding: "utf8" });
  return table.split("\n").flatMap((text) => {
    const [, pid, ppid, state, started, path] = line.exec(text) ?? [];
    if (pid === undefined || state?.startsWith("Z")) return [];
    const command = path?.split("/").pop() ?? "";
    return [{ pid: Number(pid), ppid: Number(ppid), command, started: started ?? "" }];
  });
}
