// Draws the map with WebGL 2: dots, and thumbnails of those that stand for their surroundings.
import { sideOf, type Camera, type Screen } from "./camera";
import type { Points } from "./points";

export interface Shown {
  at: number; // of the point
  size: number; // px of the longer side
  cell: number; // of the atlas
  shape: readonly [width: number, height: number]; // shares of the cell that the picture fills
  ring: boolean; // selected or meant
}

export interface Look {
  dot: readonly number[]; // red, green, blue, 0 to 1
  ring: readonly number[];
  frame: readonly number[];
}

export const ATLAS = 2560; // px a side
export const CELL = 160;
export const CELLS = (ATLAS / CELL) ** 2;

export const DIMMED = 1; // states of a point, bits of a byte
export const SELECTED = 2;

const DOTS = `#version 300 es
layout(location = 0) in vec2 place;
layout(location = 1) in float state;
uniform vec4 view; // middle, then pixels of the whole map by half the screen
uniform float size;
uniform vec4 dot;
uniform vec4 ring;
uniform bool lit; // only the selected, or all the others
out vec4 colour;
void main() {
  int bits = int(state + 0.5);
  bool selected = (bits & 2) != 0;
  bool dimmed = (bits & 1) != 0;
  vec2 at = (place - view.xy) * view.zw;
  gl_Position = selected == lit ? vec4(at.x, -at.y, 0.0, 1.0) : vec4(9.0, 9.0, 9.0, 1.0);
  gl_PointSize = selected ? max(size * 1.6, 5.0) : size;
  colour = selected ? ring : dimmed ? dot * 0.12 : dot;
}`;

const DISC = `#version 300 es
precision mediump float;
in vec4 colour;
out vec4 pixel;
void main() {
  float far = length(gl_PointCoord - 0.5) * 2.0;
  pixel = colour * (1.0 - smoothstep(0.75, 1.0, far));
}`;

const QUADS = `#version 300 es
layout(location = 0) in vec2 corner; // -1 to 1
layout(location = 1) in vec4 box; // middle and half sides, in the screen's -1 to 1
layout(location = 2) in vec4 cut; // of the atlas: left, top, width, height
layout(location = 3) in vec4 style; // half sides in px, corner radius in px, 1: ringed
out vec2 uv;
out vec2 inner;
flat out vec4 form;
void main() {
  gl_Position = vec4(box.xy + corner * box.zw, 0.0, 1.0);
  uv = cut.xy + (corner * vec2(0.5, -0.5) + 0.5) * cut.zw;
  inner = corner * style.xy;
  form = style;
}`;

const PICTURE = `#version 300 es
precision highp float;
in vec2 uv;
in vec2 inner;
flat in vec4 form;
uniform sampler2D atlas;
uniform vec4 ring;
uniform vec4 frame;
out vec4 pixel;
void main() {
  vec2 d = abs(inner) - form.xy + form.z;
  float edge = length(max(d, 0.0)) + min(max(d.x, d.y), 0.0) - form.z; // < 0 inside
  float cover = clamp(0.5 - edge, 0.0, 1.0);
  float border = clamp(edge + (form.w > 0.5 ? 3.5 : 1.5), 0.0, 1.0);
  vec4 line = form.w > 0.5 ? ring : frame;
  pixel = mix(texture(atlas, uv), line, border * line.a) * cover;
}`;

const FLOATS = 12; // of an instance: box, cut, style

export class Scatter {
  private readonly gl: WebGL2RenderingContext;
  private readonly dots: WebGLProgram;
  private readonly quads: WebGLProgram;
  private readonly dotArray: WebGLVertexArrayObject;
  private readonly quadArray: WebGLVertexArrayObject;
  private readonly states: WebGLBuffer;
  private readonly instances: WebGLBuffer;
  private readonly atlas: WebGLTexture;
  private readonly data = new Float32Array(FLOATS * CELLS);
  private points: Points | null = null;
  private anySelected = false;
  private fair = 1; // share of the dots drawn while things move, so that a slow machine keeps up

  constructor(private readonly canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.dots = program(gl, DOTS, DISC);
    this.quads = program(gl, QUADS, PICTURE);
    this.dotArray = gl.createVertexArray() as WebGLVertexArrayObject;
    this.quadArray = gl.createVertexArray() as WebGLVertexArrayObject;
    this.states = gl.createBuffer() as WebGLBuffer;
    this.instances = gl.createBuffer() as WebGLBuffer;
    this.atlas = gl.createTexture() as WebGLTexture;
    gl.bindTexture(gl.TEXTURE_2D, this.atlas);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, ATLAS, ATLAS);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    this.prepareQuads();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  show(points: Points): void {
    const { gl } = this;
    this.points = points;
    gl.bindVertexArray(this.dotArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, points.places, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.UNSIGNED_SHORT, true, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.states);
    gl.bufferData(gl.ARRAY_BUFFER, points.count, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 1, gl.UNSIGNED_BYTE, false, 0, 0);
    gl.bindVertexArray(null);
  }

  /** A byte a point: DIMMED, SELECTED. */
  mark(states: Uint8Array): void {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.states);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, states);
    this.anySelected = states.some((state) => (state & SELECTED) !== 0);
  }

  /** A picture into a cell of the atlas; the shares of the cell that it fills. */
  put(cell: number, picture: HTMLImageElement): readonly [number, number] {
    const { gl } = this;
    const scale = (CELL - 2) / Math.max(picture.naturalWidth, picture.naturalHeight);
    const [width, height] = [picture.naturalWidth, picture.naturalHeight].map((side) => Math.max(1, Math.round(side * scale))) as [number, number];
    const small = new OffscreenCanvas(CELL, CELL);
    const pen = small.getContext("2d") as OffscreenCanvasRenderingContext2D;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, 0, 0, width, height);
    const [left, top] = cornerOf(cell);
    gl.bindTexture(gl.TEXTURE_2D, this.atlas);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, left, top, gl.RGBA, gl.UNSIGNED_BYTE, small);
    return [width / CELL, height / CELL];
  }

  /** `late`: how long the browser took to come to this frame, ms; null for one that need not be quick. */
  draw(camera: Camera, screen: Screen, shown: readonly Shown[], look: Look, late: number | null): void {
    const { gl, points, canvas } = this;
    const ratio = Math.min(2, devicePixelRatio);
    const [width, height] = [Math.round(screen.width * ratio), Math.round(screen.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!points) return;
    if (late !== null) this.pace(late);
    this.drawDots(camera, screen, look, ratio, late !== null);
    this.drawPictures(camera, screen, shown, look, ratio);
  }

  private drawDots(camera: Camera, screen: Screen, look: Look, ratio: number, moving: boolean): void {
    const { gl, dots } = this;
    const { count } = this.points as Points;
    const side = sideOf(camera, screen);
    const each = side / Math.sqrt(Math.max(1, count)); // px of the map that a dot has for itself
    const size = Math.min(9, Math.max(1.6, 0.42 * each));
    const alpha = Math.min(0.85, Math.max(0.16, 0.3 + 0.12 * each));
    gl.useProgram(dots);
    gl.bindVertexArray(this.dotArray);
    gl.uniform4f(gl.getUniformLocation(dots, "view"), camera.x, camera.y, (2 * side) / screen.width, (2 * side) / screen.height);
    gl.uniform1f(gl.getUniformLocation(dots, "size"), size * ratio);
    gl.uniform4fv(gl.getUniformLocation(dots, "dot"), premultiplied(look.dot, alpha));
    gl.uniform4fv(gl.getUniformLocation(dots, "ring"), premultiplied(look.ring, 1));
    gl.uniform1i(gl.getUniformLocation(dots, "lit"), 0);
    gl.drawArrays(gl.POINTS, 0, moving ? Math.ceil(count * this.fair) : count);
    if (!this.anySelected) return;
    gl.uniform1i(gl.getUniformLocation(dots, "lit"), 1);
    gl.drawArrays(gl.POINTS, 0, count);
  }

  private drawPictures(camera: Camera, screen: Screen, shown: readonly Shown[], look: Look, ratio: number): void {
    const { gl, quads, data } = this;
    const { places } = this.points as Points;
    const side = sideOf(camera, screen);
    shown.forEach(({ at, size, cell, shape: [wide, high], ring }, k) => {
      const x = ((places[2 * at] as number) / 65535 - camera.x) * side;
      const y = ((places[2 * at + 1] as number) / 65535 - camera.y) * side;
      const most = Math.max(wide, high);
      const [w, h] = [(0.5 * size * wide) / most, (0.5 * size * high) / most];
      const [left, top] = cornerOf(cell);
      data.set([(2 * x) / screen.width, (-2 * y) / screen.height, (2 * w) / screen.width, (2 * h) / screen.height], FLOATS * k);
      data.set([left / ATLAS, top / ATLAS, (wide * CELL) / ATLAS, (high * CELL) / ATLAS], FLOATS * k + 4);
      data.set([w * ratio, h * ratio, Math.min(5, 0.08 * size) * ratio, ring ? 1 : 0], FLOATS * k + 8);
    });
    gl.useProgram(quads);
    gl.bindVertexArray(this.quadArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.instances);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, data, 0, FLOATS * shown.length);
    gl.uniform4fv(gl.getUniformLocation(quads, "ring"), premultiplied(look.ring, 1));
    gl.uniform4fv(gl.getUniformLocation(quads, "frame"), premultiplied(look.frame, 1));
    gl.bindTexture(gl.TEXTURE_2D, this.atlas);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, shown.length);
  }

  /** Where frames come late fewer dots are drawn, and more where they do not. */
  private pace(late: number): void {
    if (late > 40) this.fair = Math.max(0.02, this.fair * 0.6);
    else if (late < 20) this.fair = Math.min(1, this.fair * 1.15);
  }

  private prepareQuads(): void {
    const { gl } = this;
    gl.bindVertexArray(this.quadArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.instances);
    gl.bufferData(gl.ARRAY_BUFFER, this.data.byteLength, gl.DYNAMIC_DRAW);
    for (let k = 1; k <= 3; k += 1) {
      gl.enableVertexAttribArray(k);
      gl.vertexAttribPointer(k, 4, gl.FLOAT, false, 4 * FLOATS, 16 * (k - 1));
      gl.vertexAttribDivisor(k, 1);
    }
    gl.bindVertexArray(null);
  }
}

function cornerOf(cell: number): [number, number] {
  const across = ATLAS / CELL;
  return [(cell % across) * CELL, Math.floor(cell / across) * CELL];
}

const premultiplied = ([r = 0, g = 0, b = 0]: readonly number[], alpha: number): number[] => [r * alpha, g * alpha, b * alpha, alpha];

function program(gl: WebGL2RenderingContext, vertex: string, fragment: string): WebGLProgram {
  const made = gl.createProgram() as WebGLProgram;
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const) {
    const shader = gl.createShader(kind) as WebGLShader;
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made) ?? "no program");
  return made;
}
