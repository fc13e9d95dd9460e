import { describe, expect, it } from "vitest";
import { NO_FILTERS } from "../src/filters";
import { HOME } from "../src/route";
import { commandLine, curlLine, pythonCode, type Asked } from "../src/snippets";

const asked: Asked = {
  route: { ...HOME, like: ["4", "q_x"], unlike: ["9"], filters: { ...NO_FILTERS, camera: "Canon EOS" } },
  paths: new Map([
    ["4", "/my pictures/it's.jpg"],
    ["9", "/plain.png"],
  ]),
  origin: "http://127.0.0.1:7766",
};

describe("the same search elsewhere", () => {
  it("in a shell is quoted for the shell", () => {
    expect(commandLine(asked)).toBe(
      `dinoscope search '/my pictures/it'\\''s.jpg' picture.jpg --unlike /plain.png --where 'camera="Canon EOS"'`,
    );
  });

  it("in Python is quoted for Python", () => {
    expect(pythonCode(asked)).toContain(
      `session.search("/my pictures/it's.jpg", "picture.jpg", unlike=["/plain.png"], where="camera=\\"Canon EOS\\"")`,
    );
  });

  it("over HTTP is encoded by curl", () => {
    expect(curlLine(asked)).toBe(
      `curl --get http://127.0.0.1:7766/api/v1/search --data-urlencode like=4 --data-urlencode like=q_x ` +
        `--data-urlencode unlike=9 --data-urlencode 'where=camera="Canon EOS"'`,
    );
  });
});
