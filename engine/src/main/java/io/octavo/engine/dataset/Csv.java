package io.octavo.engine.dataset;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.ArrayList;
import java.util.List;

/** CSV as Python's {@code csv.reader} takes it: RFC 4180, quotes inside fields that do not start with one being text. */
final class Csv {

    private static final char QUOTE = '"';

    private final List<List<String>> records = new ArrayList<>();
    private final StringBuilder field = new StringBuilder();
    private List<String> record = new ArrayList<>();

    private Csv() {}

    /** Records without those of empty lines. */
    static List<List<String>> read(String text) {
        var csv = new Csv();
        csv.parse(text);
        return csv.records;
    }

    private void parse(String text) {
        boolean quoted = false;
        boolean begun = false; // whether the field has a character or a quote
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted) {
                if (c != QUOTE) {
                    field.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == QUOTE) {
                    field.append(QUOTE);
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == QUOTE && !begun) {
                quoted = true;
                begun = true;
            } else if (c == ',') {
                endField();
                begun = false;
            } else if (c == '\n' || c == '\r') {
                endRecord(begun);
                begun = false;
            } else {
                field.append(c);
                begun = true;
            }
        }
        if (quoted) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID, "CSV record " + (records.size() + 1) + ": a quoted field does not end");
        }
        endRecord(begun);
    }

    private void endField() {
        record.add(field.toString());
        field.setLength(0);
    }

    private void endRecord(boolean begun) {
        if (begun || !record.isEmpty()) {
            endField();
            records.add(List.copyOf(record));
            record = new ArrayList<>();
        }
    }
}
