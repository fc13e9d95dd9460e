import { describe, expect, it } from "vitest";
import { NO_FILTERS } from "../src/filters";
import { HOME } from "../src/route";
import { boxMark, pointMark } from "../src/marks";
import { commandLine, curlLine, pythonCode, type Asked } from "../src/snippets";
import { partCommand, partCurl, partPython } from "../src/snippets-part";

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

describe("the same part elsewhere", () => {
  const part: Asked = {
    ...asked,
    route: {
      ...HOME,
      view: "part",
      of: "4",
      marks: [boxMark([10, 20, 30.5, 40]), pointMark("not", [7, 8]), { kind: "lasso", points: [[1, 1], [9, 1], [5, 9]], radius: 0 }],
      also: 0.3,
      more: [{ picture: "45", box: [1, 2, 3, 4] }],
      filters: { ...NO_FILTERS, kind: "png" },
    },
  };

  it("in a shell names every mark", () => {
    expect(partCommand(part)).toBe(
      `dinoscope search '/my pictures/it'\\''s.jpg' --box 10,20,30.5,40 --polygon 1,1,9,1,5,9 --not-point 7,8 ` +
        `--also 0.3 --more 45:1,2,3,4 --where kind=png`,
    );
  });

  it("in Python is one selection", () => {
    const code = partPython(part);
    expect(code).toContain(
      "dinoscope.Selection(boxes=(dinoscope.Box(10, 20, 30.5, 40),), polygons=(((1, 1), (9, 1), (5, 9),),), not_points=((7, 8),))",
    );
    expect(code).toContain(
      `search_region("/my pictures/it's.jpg", part, also=0.3, more=[dinoscope.Example(45, dinoscope.Box(1, 2, 3, 4))], where="kind=png")`,
    );
  });

  it("over HTTP is the question the page asks", () => {
    expect(partCurl({ ...part, route: { ...part.route, marks: [boxMark([1, 2, 3, 4])], more: [], also: 0 } })).toBe(
      `curl 'http://127.0.0.1:7766/api/v1/search/region?where=kind%3Dpng&k=60&collapse=true' --json '{"picture":"4","boxes":[[1,2,3,4]]}'`,
    );
  });
});
