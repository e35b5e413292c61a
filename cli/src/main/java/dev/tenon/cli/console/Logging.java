package dev.tenon.cli.console;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import dev.tenon.cli.Surroundings;
import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * How a command logs: to standard error, from the level on that {@code TENON_LOG} names. In Java, since reading it from a
 * file costs a short command a quarter of its time; a {@code logback.xml} on the class path still comes first.
 */
public final class Logging extends ContextAwareBase implements Configurator {
    private static final String CONSOLE = "console";
    private static final List<String> FILES = List.of("/logback-test.xml", "/logback.xml");
    /** For people who ran a command. */
    private static final String PLAIN = "tenon: %msg%n";

    private static final String PATTERN = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} level=%level logger=%logger{0} %msg%n";

    /** Logs from this level on, in words without time and place, if {@code TENON_LOG} names no level. */
    public static void usually(Level level, Surroundings surroundings) {
        if (surroundings.variable("TENON_LOG") != null || !(LoggerFactory.getLogger("ROOT") instanceof Logger root)) {
            return;
        }
        root.setLevel(level);
        if (root.getAppender(CONSOLE) instanceof ConsoleAppender<ILoggingEvent> console
                && console.getEncoder() instanceof PatternLayoutEncoder encoder) {
            encoder.stop();
            encoder.setPattern(PLAIN);
            encoder.start();
        }
    }

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        if (FILES.stream().anyMatch(file -> Logging.class.getResource(file) != null)) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY;
        }
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(PATTERN);
        encoder.start();

        ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
        appender.setContext(context);
        appender.setName(CONSOLE);
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        appender.start();

        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.toLevel(System.getenv("TENON_LOG"), Level.INFO));
        root.addAppender(appender);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }
}
