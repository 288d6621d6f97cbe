import type { Role, Waveform } from './types';

const colours: Record<Role, string> = { agent: '--agent', customer: '--customer', unknown: '--faint' };

const laneHeight = 34; // of one channel, in CSS pixels

/**
 * draw paints each channel in a lane of its own, in the colour of its speaker,
 * brighter up to what was played (0 to 1).
 */
export function draw(canvas: HTMLCanvasElement, form: Waveform, roles: readonly Role[], width: number, played: number) {
  const scale = devicePixelRatio || 1;
  const lanes = Math.max(1, form.channels);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(laneHeight * lanes * scale);
  const pen = canvas.getContext('2d');
  if (!pen || !form.length) return;
  const style = getComputedStyle(canvas);
  const column = canvas.width / form.length;
  const half = (laneHeight * scale) / 2;
  // Telephone speech rarely comes near full scale.
  const loudest = form.data.reduce((most, v) => Math.max(most, Math.abs(v)), 16);
  for (let lane = 0; lane < lanes; lane++) {
    pen.fillStyle = style.getPropertyValue(colours[roles[lane] ?? 'unknown']);
    const middle = half * (2 * lane + 1);
    for (let i = 0; i < form.length; i++) {
      const at = 2 * (i * form.channels + lane);
      const [low, high] = [form.data[at]!, form.data[at + 1]!];
      pen.globalAlpha = i / form.length <= played ? 1 : 0.5;
      const y = middle - (high / loudest) * half;
      pen.fillRect(i * column, y, Math.max(1, column * 0.8), Math.max(scale, ((high - low) / loudest) * half));
    }
  }
}
