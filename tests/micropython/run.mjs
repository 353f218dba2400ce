// Runs one Python script in the MicroPython VM. `node run.mjs VM.mjs`, the job as JSON on standard input:
// {files: {path: base64}, script, heap_bytes, descriptors: [number, ...]}.
// What the script prints is standard output; a traceback goes to standard error and the exit status is 1.
import fs from "node:fs";
import { pathToFileURL } from "node:url";

const job = JSON.parse(fs.readFileSync(0, "utf8"));
const { loadMicroPython } = await import(pathToFileURL(process.argv[2]).href);
const mp = await loadMicroPython({
  heapsize: job.heap_bytes,
  stdout: (line) => process.stdout.write(line + "\n"),
  stderr: (line) => process.stderr.write(line + "\n"),
});

// `import descriptors`: what the test handed over, by position. Bytes cross as hexadecimal text. All of them are
// non-blocking; "nothing now" is None (read) or 0 (write), the end of a stream is "".
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const now = (call, nothing) => {
  try {
    return call();
  } catch (error) {
    if (error.code === "EAGAIN") return nothing;
    if (error.code === "EIO") return ""; // the other side of a pty is gone
    throw error;
  }
};
mp.registerJsModule("descriptors", {
  count: job.descriptors.length,
  read: (index, limit) =>
    now(() => {
      const buffer = Buffer.alloc(limit);
      return buffer.toString("hex", 0, fs.readSync(job.descriptors[index], buffer, 0, limit, null));
    }, null),
  write: (index, text) => now(() => fs.writeSync(job.descriptors[index], Buffer.from(text, "hex")), 0),
  sleep_ms: (milliseconds) => {
    Atomics.wait(sleeper, 0, 0, milliseconds);
  },
});

for (const [path, content] of Object.entries(job.files)) {
  mp.FS.mkdirTree(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".");
  mp.FS.writeFile(path, Buffer.from(content, "base64"));
}
try {
  mp.runPython(job.script);
} catch (error) {
  if (error.name !== "PythonError") throw error;
  if (error.type !== "SystemExit") {
    process.stderr.write(error.message + "\n");
    process.exitCode = 1;
  }
}
