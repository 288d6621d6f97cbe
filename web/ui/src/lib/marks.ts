/** markNames say what a mark of the timeline stands for. */
export const markNames: Record<string, string> = {
  dtmf: 'Key', tone: 'Keys, as tones', pause: 'Recording paused', resume: 'Recording resumed',
  hold: 'On hold', unhold: 'Off hold', dropped: 'Not recorded', missed: 'Not transcribed',
};
