//! RIFF/WAVE: PCM of 8, 16, 24 or 32 bits, or floats of 32; several channels become their mean.

use crate::Error;

const FIX: &str = "give a WAV file of PCM or float samples";

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Wav {
    /// Samples a second.
    pub rate: u32,
    /// From -1 to 1: integers over the power of two that is just out of their range (8-bit ones minus 128 first).
    pub samples: Vec<f64>,
}

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sample {
    U8,
    I16,
    I24,
    I32,
    F32,
}

/// Format, channels, rate.
struct Format {
    sample: Sample,
    channels: usize,
    rate: u32,
}

impl Wav {
    /// Reads a whole file. Chunks that are neither `fmt ` nor `data` are passed over; a `data` chunk that says it is longer
    /// than the file is cut off (streamed recordings say so), one that ends within a sample loses that.
    ///
    /// # Errors
    /// If it is no WAV file, of another coding, or its numbers make no sense.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |what: &str| Error::invalid(what.to_owned(), FIX);
        let Some((b"RIFF", rest)) = bytes.split_first_chunk::<4>() else {
            return Err(wrong("is not a WAV file: it does not begin with 'RIFF'"));
        };
        let Some(mut rest) = rest.get(4..).and_then(|r| r.strip_prefix(b"WAVE")) else {
            return Err(wrong("is not a WAV file: no 'WAVE' in its head"));
        };
        let mut format = None;
        while let Some((id, after)) = rest.split_first_chunk::<4>() {
            let Some((size, content)) = after.split_first_chunk::<4>() else { break };
            let size = u32::from_le_bytes(*size) as usize;
            let here = &content[..size.min(content.len())];
            match id {
                b"fmt " => format = Some(Format::parse(here)?),
                b"data" => {
                    let format = format.ok_or_else(|| wrong("has its 'data' before its 'fmt '"))?;
                    // A recorder that was cut off may have left the length at 0.
                    let here = if size == 0 { content } else { here };
                    return Ok(Self { rate: format.rate, samples: format.samples(here) });
                }
                _ => {}
            }
            // Chunks begin at even places.
            rest = content.get(size.saturating_add(size % 2)..).unwrap_or_default();
        }
        Err(Error::cut_short("no 'data' chunk"))
    }
}

impl Format {
    fn parse(chunk: &[u8]) -> Result<Self, Error> {
        let wrong = |what: String| Error::invalid(what, FIX);
        let word = |at: usize| chunk.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
        let (Some(tag), Some(channels), Some(bits)) = (word(0), word(2), word(14)) else {
            return Err(Error::cut_short("the 'fmt ' chunk"));
        };
        let rate = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        // The extensible format's own tag stands further on.
        let tag = if tag == 0xfffe { word(24).ok_or_else(|| Error::cut_short("the 'fmt ' chunk"))? } else { tag };
        let sample = match (tag, bits) {
            (1, 8) => Sample::U8,
            (1, 16) => Sample::I16,
            (1, 24) => Sample::I24,
            (1, 32) => Sample::I32,
            (3, 32) => Sample::F32,
            _ => return Err(wrong(format!("has {bits}-bit samples of coding {tag}"))),
        };
        if channels == 0 || rate == 0 {
            return Err(wrong(format!("has {channels} channels at {rate} samples a second")));
        }
        Ok(Self { sample, channels: channels.into(), rate })
    }

    fn samples(&self, data: &[u8]) -> Vec<f64> {
        let size = match self.sample {
            Sample::U8 => 1,
            Sample::I16 => 2,
            Sample::I24 => 3,
            Sample::I32 | Sample::F32 => 4,
        };
        let number = |b: &[u8]| match self.sample {
            Sample::U8 => (f64::from(b[0]) - 128.0) / 128.0,
            Sample::I16 => f64::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0,
            Sample::I24 => f64::from(i32::from_le_bytes([0, b[0], b[1], b[2]])) / 2_147_483_648.0,
            Sample::I32 => f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])) / 2_147_483_648.0,
            Sample::F32 => {
                let v = f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                if v.is_finite() { v } else { 0.0 }
            }
        };
        let frame = |frame: &[u8]| {
            let mut sum = 0.0;
            for sample in frame.chunks_exact(size) {
                sum += number(sample);
            }
            sum / self.channels as f64
        };
        data.chunks_exact(size * self.channels).map(frame).collect()
    }
}

/// A mono file of 16 bits, for tests and generators.
pub fn pcm16(rate: u32, samples: &[i16]) -> Vec<u8> {
    let data = 2 * samples.len() as u32;
    let mut out = Vec::with_capacity(44 + 2 * samples.len());
    out.extend(b"RIFF");
    out.extend((36 + data).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend([1, 0, 1, 0]);
    out.extend(rate.to_le_bytes());
    out.extend((2 * rate).to_le_bytes());
    out.extend([2, 0, 16, 0]);
    out.extend(b"data");
    out.extend(data.to_le_bytes());
    out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of such chunks.
    fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WAVE".to_vec();
        for (id, content) in chunks {
            out.extend(*id);
            out.extend((content.len() as u32).to_le_bytes());
            out.extend(*content);
            out.resize(out.len().next_multiple_of(2), 0);
        }
        out
    }

    fn fmt(tag: u16, channels: u16, bits: u16) -> Vec<u8> {
        let mut f = Vec::new();
        f.extend(tag.to_le_bytes());
        f.extend(channels.to_le_bytes());
        f.extend(8_000u32.to_le_bytes());
        f.extend([0; 6]);
        f.extend(bits.to_le_bytes());
        f
    }

    fn read(format: &[u8], data: &[u8]) -> Vec<f64> {
        let wav = Wav::parse(&file(&[(b"LIST", b"odd"), (b"fmt ", format), (b"data", data)])).unwrap();
        assert_eq!(wav.rate, 8_000);
        wav.samples
    }

    #[test]
    fn every_coding() {
        assert_eq!(read(&fmt(1, 1, 8), &[0, 128, 255]), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(read(&fmt(1, 1, 16), &[0, 128, 255, 127, 1]), [-1.0, 32_767.0 / 32_768.0]);
        assert_eq!(read(&fmt(1, 1, 24), &[0, 0, 0xc0]), [-0.5]);
        assert_eq!(read(&fmt(1, 1, 32), &i32::MIN.to_le_bytes()), [-1.0]);
        assert_eq!(read(&fmt(3, 1, 32), &[0.25f32, f32::NAN].map(f32::to_le_bytes).concat()), [0.25, 0.0]);
        // Two channels are their mean.
        assert_eq!(read(&fmt(1, 2, 16), &[0, 64, 0, 0]), [0.25]);
        let mut extensible = fmt(0xfffe, 1, 16);
        extensible.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]);
        assert_eq!(read(&extensible, &[0, 64]), [0.5]);
        let own = pcm16(22_050, &[-5, 300]);
        let wav = Wav::parse(&own).unwrap();
        assert_eq!((wav.rate, wav.samples), (22_050, vec![-5.0 / 32_768.0, 300.0 / 32_768.0]));
    }

    #[test]
    fn damage_is_told_and_lengths_are_not_believed() {
        let refused = |bytes: &[u8]| Wav::parse(bytes).unwrap_err().to_string();
        let good = pcm16(8_000, &[1, 2, 3]);
        for at in 0..44 {
            refused(&good[..at]);
        }
        assert_eq!(Wav::parse(&good[..47]).unwrap().samples.len(), 1);
        let mut long = good.clone();
        long[40..44].fill(0xff);
        assert_eq!(Wav::parse(&long).unwrap().samples.len(), 3);
        long[40..44].fill(0);
        assert_eq!(Wav::parse(&long).unwrap().samples.len(), 3);
        assert!(refused(b"MP3").contains("does not begin with 'RIFF'"));
        assert!(refused(b"RIFF    AVI ").contains("no 'WAVE'"));
        assert!(refused(&file(&[(b"data", &[0; 4])])).contains("'data' before its 'fmt '"));
        assert!(refused(&file(&[(b"fmt ", &fmt(2, 1, 4)), (b"data", &[0; 4])])).contains("4-bit samples of coding 2"));
        assert!(refused(&file(&[(b"fmt ", &fmt(1, 0, 16)), (b"data", &[0; 4])])).contains("0 channels"));
        assert!(refused(&file(&[(b"fmt ", &fmt(1, 1, 16))])).contains("no 'data' chunk"));
    }
}
