// The program itself, with the demo's configuration, a few more values and the console on a port of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/// A port that nobody listens on.
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export class Program {
  /// `lines` of YAML come under `console`, beside where it listens.
  static async start(path, broker, { console: lines = "", edit = (yaml) => yaml } = {}) {
    const program = new Program();
    program.path = path;
    program.folder = mkdtempSync(join(tmpdir(), "bemo-console-"));
    program.config = join(program.folder, "services.yaml");
    program.port = await freePort();
    program.address = `http://127.0.0.1:${program.port}`;
    const demo = readFileSync("services.yaml", "utf8")
      .replace("broker: auto", `broker: 127.0.0.1:${broker}`)
      .replace("adapter: auto", "adapter: virtual")
      .replace(/^console:.*\n(?:[ #].*\n)*/m, "");
    const section = `console:\n  listen: 127.0.0.1:${program.port}\n${lines}\nservices:`;
    const lamp = readFileSync("tests/browser/lamp.yaml", "utf8");
    writeFileSync(program.config, edit(`${demo.replace(/^services:/m, section)}\n${lamp}`));
    await program.run();
    return program;
  }

  /// Starts it (again), and returns when the console answers.
  async run() {
    const child = spawn(this.path, ["--config", this.config], {
      env: { ...process.env, XDG_STATE_HOME: this.folder, STATE_DIRECTORY: undefined },
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.child = child;
    this.ended = new Promise((resolve) => child.once("exit", resolve));
    let isOver = false;
    this.ended.then(() => (isOver = true));
    for (;;) {
      if (isOver) throw new Error("the program has ended");
      const answer = await fetch(`${this.address}/`).catch(() => null);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  edit(change) {
    writeFileSync(this.config, change(readFileSync(this.config, "utf8")));
  }

  async end() {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }
}
