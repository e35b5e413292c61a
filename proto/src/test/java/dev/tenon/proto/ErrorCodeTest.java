package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class ErrorCodeTest {

    @Test
    void codesAreUniqueAndEachLiesInARangeOfBlame() {
        assertThat(Arrays.stream(ErrorCode.values()).map(ErrorCode::code)).doesNotHaveDuplicates();
        for (ErrorCode code : ErrorCode.values()) {
            assertThat(code.blame()).isNotNull();
            assertThat(code.meaning()).isNotBlank().doesNotEndWith(".");
            assertThat(code.remedy()).isNotBlank().doesNotEndWith(".");
        }
    }

    @Test
    void aNumberThatIsNoRowIsAbsent() {
        assertThat(ErrorCode.ofCode(0x0100_0000)).isEmpty();
        assertThat(ErrorCode.ofCode(0x0001_0004)).contains(ErrorCode.INVALID_NAME);
    }

    @Test
    void theTableThatPerlReadsIsMadeFromTheRows() {
        StringBuilder json = new StringBuilder("[\n");
        for (ErrorCode code : ErrorCode.values()) {
            json.append(json.length() > 2 ? ",\n" : "")
                    .append(String.format(
                            Locale.ROOT, "  { \"name\": \"%s\", \"code\": %d }", code.name(), code.code()));
        }
        GeneratedFile.of("proto/src/main/resources/dev/tenon/proto/errors.json").assertIs(json.append("\n]\n"));
    }

    @Test
    void theDocumentOfErrorsIsMadeFromTheRows() {
        StringBuilder document = new StringBuilder("""
                # Errors

                Made from the rows of `ErrorCode`; do not edit. The range of a code says who is to blame: `0x0001` the caller,
                `0x0002` the backend, `0x0003` resources, `0x0004` protocol and transport. Numbers from `0x01000000` on are left to
                plugins; a number that a side does not know counts as `INTERNAL`.

                Every error also carries an outcome: `NOT_STARTED` (the call may be repeated), `FAILED_CLEAN` (nothing was changed),
                `UNKNOWN` (look at the storage before repeating a call that changes it).

                | code | name | when | what to do |
                |---|---|---|---|
                """);
        for (ErrorCode code : ErrorCode.values()) {
            document.append(String.format(
                    Locale.ROOT,
                    "| `0x%08x` | `%s` | %s | %s |%n",
                    code.code(),
                    code.name(),
                    code.meaning(),
                    code.remedy()));
        }
        GeneratedFile.of("docs/ERRORS.md").assertIs(document);
    }
}
