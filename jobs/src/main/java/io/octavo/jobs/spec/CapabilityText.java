package io.octavo.jobs.spec;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ser.std.StdSerializer;

/** A compute capability such as {@code 9.0} in JSON, which is ten times its number everywhere else. */
final class CapabilityText {

    private static final Pattern TEXT = Pattern.compile("([1-9]\\d?)\\.(\\d)");

    private CapabilityText() {}

    static String of(int tenfold) {
        return tenfold / 10 + "." + tenfold % 10;
    }

    private static int parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("must be a compute capability such as 8.0 or 9.0: " + text);
        }
        return Integer.parseInt(matcher.group(1)) * 10 + Integer.parseInt(matcher.group(2));
    }

    static final class Reader extends StrictValue<Integer> {
        Reader() {
            super(int.class, text(CapabilityText::parse));
        }
    }

    static final class Writer extends StdSerializer<Integer> {
        Writer() {
            super(Integer.class);
        }

        @Override
        public void serialize(Integer tenfold, JsonGenerator json, SerializationContext context) {
            json.writeString(of(tenfold));
        }

        @Override
        public boolean isEmpty(SerializationContext context, Integer tenfold) {
            return tenfold == 0;
        }
    }
}
