package PVE::Tools;

# The file is long because plugins expect this many functions of one module, PVE's own.

use v5.36;

use Errno qw(EEXIST EINTR ENOENT);
use Exporter qw(import);
use Fcntl qw(:DEFAULT :flock);
use File::Basename qw(basename);
use IO::Handle;
use IO::Select;
use POSIX ();
use Symbol qw(qualify_to_ref);
use Time::HiRes ();

# Public functions unpack @_ instead of using a signature: plugins pass too many arguments, and PVE
# does not mind.

my %constants;

BEGIN {
    %constants = (
        AT_EMPTY_PATH => 0x1000,
        AT_FDCWD => -100,
        CLONE_NEWIPC => 0x08000000,
        CLONE_NEWNET => 0x40000000,
        CLONE_NEWNS => 0x00020000,
        CLONE_NEWPID => 0x20000000,
        CLONE_NEWUSER => 0x10000000,
        CLONE_NEWUTS => 0x04000000,
        MS_BIND => 0x1000,
        MS_DIRSYNC => 0x80,
        MS_MANDLOCK => 0x40,
        MS_MOVE => 0x2000,
        MS_NOATIME => 0x400,
        MS_NODEV => 0x4,
        MS_NODIRATIME => 0x800,
        MS_NOEXEC => 0x8,
        MS_NOSUID => 0x2,
        MS_NOSYMFOLLOW => 0x100,
        MS_RDONLY => 0x1,
        MS_REC => 0x4000,
        MS_REMOUNT => 0x20,
        MS_SYNCHRONOUS => 0x10,
        O_CLOEXEC => 0x80000,
        O_PATH => 0x200000,
        O_TMPFILE => 0x400000 | O_DIRECTORY,
        RENAME_EXCHANGE => 0x2,
        RENAME_NOREPLACE => 0x1,
        RENAME_WHITEOUT => 0x4,
        RESOLVE_BENEATH => 0x8,
        RESOLVE_CACHED => 0x20,
        RESOLVE_IN_ROOT => 0x10,
        RESOLVE_NO_MAGICLINKS => 0x2,
        RESOLVE_NO_SYMLINKS => 0x4,
        RESOLVE_NO_XDEV => 0x1,
    );
}

use constant \%constants;

our @EXPORT_OK = (qw(
        $IPV4RE
        $IPV6RE
        dir_glob_foreach
        dir_glob_regex
        extract_param
        extract_sensitive_params
        file_copy
        file_get_contents
        file_read_firstline
        file_set_contents
        get_host_arch
        get_host_dpkg_arch
        lock_file
        lock_file_full
        run_command
        safe_print
        split_list
        template_replace
        trim
    ),
    sort keys %constants,
);

# A name must exist for `use PVE::Tools qw(name)` to compile.
for my $name (qw(template_replace)) {
    *{ qualify_to_ref($name, __PACKAGE__) } = sub {
        die "PVE::Tools::$name is not offered by Tenon's compat layer;"
            . " run the plugin where PVE's own libraries are installed, or do without it\n";
    };
}

my $OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';

our $IPV4RE = "(?:(?:$OCTET\\.){3}$OCTET)";
our $IPV6RE = _ipv6_regex();

# The nine forms of an address: n groups on the left of '::', the rest on its right, or all eight
# groups.
sub _ipv6_regex () {
    my $group = '(?:[0-9a-fA-F]{1,4})';
    my $tail = "(?:(?:$group:$group)|$IPV4RE)";
    my @forms = ("(?:(?:$group:){6}$tail)");
    for my $right (reverse 0 .. 5) {
        my $left = 4 - $right;
        my $before = $left < 0 ? '' : "(?:(?:$group:){0,$left}$group)?";
        push @forms, "(?:${before}::(?:$group:){$right}$tail)";
    }
    push @forms, "(?:(?:(?:$group:){0,5}$group)?::$group)", "(?:(?:(?:$group:){0,6}$group)?::)";
    return '(?:' . join('|', @forms) . ')';
}

# ---- commands

my %RUN_COMMAND_OPTIONS = map { $_ => 1 } qw(
    afterfork
    errfunc
    errmsg
    input
    keeplocale
    logfunc
    noerr
    outfunc
    output
    quiet
    timeout
    umask
);

sub run_command {
    my ($cmd, %opt) = @_;

    my ($text, @argv) = _command_words($cmd);
    for my $key (sort keys %opt) {
        die "command '$text' failed: got unknown parameter '$key' for run_command\n"
            if !$RUN_COMMAND_OPTIONS{$key};
    }

    # An empty one counts as none.
    delete $opt{errmsg} if !$opt{errmsg};

    # An alarm that the caller has set is paused while the command runs.
    my $outer = Time::HiRes::alarm(0);

    # A handler instead of 'IGNORE', which the command would inherit.
    local $SIG{PIPE} = sub { };
    local $SIG{CHLD} = 'DEFAULT';

    my $run = { opt => \%opt, last_error => undef };
    my ($timeout, $code, $err);
    my $done = eval {
        local $SIG{ALRM} = sub {
            $timeout = 1;
            die "got timeout\n";
        };
        Time::HiRes::alarm($opt{timeout}) if $opt{timeout};
        _start($run, @argv);
        $opt{afterfork}->() if $opt{afterfork};
        _pump($run);
        $code = _exit_code($run, $text);
        Time::HiRes::alarm(0);
        1;
    };
    $err = $@ if !$done;
    Time::HiRes::alarm(0);
    _kill($run) if $run->{pid};
    close($_) for grep { defined($_) } $run->@{qw(in out err)};
    Time::HiRes::alarm($outer) if $outer;

    $err = "exit code $code\n" if $done && $code && !_is_vanished_source($code, $argv[0]);
    if (!defined($err)) {
        _hold_error_line($run, undef) if defined($opt{errmsg});
        return $code;
    }
    die "command '$text' failed: got timeout\n" if $timeout;
    if (defined($opt{errmsg})) {
        my $last = $run->{last_error};
        die "$opt{errmsg}: $last\n" if defined($last) && length($last);
        die "$opt{errmsg}: $err";
    }
    return $code // -1 if $opt{noerr};
    die "command '$text' failed: $err";
}

# The command as PVE shows it, then the words to execute; a single word may be a line for the shell.
sub _command_words ($cmd) {
    if (ref($cmd) ne 'ARRAY') {
        die "command '' failed: no command given\n" if !defined($cmd) || $cmd eq '';
        return ($cmd, '/bin/bash', '-c', "set -o pipefail && $cmd") if $cmd =~ m/\|/;
        return ($cmd, $cmd);
    }
    die "command '' failed: no command given\n" if !$cmd->@*;
    if (ref($cmd->[0]) eq 'ARRAY') {
        my @parts;
        for my $part ($cmd->@*) {
            push @parts, join(' ', map { ref($_) eq 'SCALAR' ? $$_ : _shell_quote($_) } $part->@*);
        }
        my $line = 'set -o pipefail && ' . join(' | ', @parts);
        return ($line, '/bin/bash', '-c', $line);
    }
    my @words = map { "$_" } $cmd->@*;
    return (join(' ', map { _shell_quote($_) } @words), @words);
}

sub _shell_quote ($word) {
    return $word if $word =~ m{\A[A-Za-z0-9_!%+,\-./:\@^]+\z};
    $word =~ s/('+)/length($1) > 1 ? qq('"$1"') : q('\\'')/ge;
    $word = "'$word'";
    $word =~ s/\A''(?=.)//s;
    $word =~ s/(?<=.)''\z//s;
    return $word;
}

sub _start ($run, @argv) {
    my %opt = $run->{opt}->%*;

    my $given = '' . ($opt{input} // '');
    utf8::encode($given) if !utf8::downgrade($given, 1);
    my ($child_in, $parent_in, $in_fd);
    if ($given =~ m/\A<&(.*)\z/s) {
        $in_fd = _given_fd($1);
    } elsif (length($given)) {
        pipe($child_in, $parent_in) or die "pipe failed: $!\n";
        $parent_in->blocking(0);
    } else {
        open($child_in, '<', '/dev/null') or die "cannot open /dev/null: $!\n";
    }
    $in_fd //= fileno($child_in);

    my ($parent_out, $child_out, $out_fd);
    if (($opt{output} // '') =~ m/\A>&(.*)\z/s) {
        $out_fd = _given_fd($1);
    } else {
        pipe($parent_out, $child_out) or die "pipe failed: $!\n";
        $out_fd = fileno($child_out);
    }
    pipe(my $parent_err, my $child_err) or die "pipe failed: $!\n";
    pipe(my $parent_status, my $child_status) or die "pipe failed: $!\n";

    # No signal handler of ours may run in the child: it could reach the END blocks.
    my $all = POSIX::SigSet->new;
    $all->fillset;
    my $before = POSIX::SigSet->new;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all, $before);
    my $pid = fork();
    my $why = $!;
    if (defined($pid) && !$pid) {
        my $done = eval {
            delete @SIG{qw(__DIE__ __WARN__)};
            for my $name (keys %SIG) {
                $SIG{$name} = 'DEFAULT' if ($SIG{$name} // '') !~ m/\A(?:|DEFAULT|IGNORE)\z/;
            }
            POSIX::sigprocmask(POSIX::SIG_SETMASK(), $before);
            _exec_child(\%opt, [$in_fd, $out_fd, fileno($child_err)], @argv);
            1;
        };
        my $text = $done ? "exec of @argv returned\n" : $@;
        syswrite($child_status, substr($text, 0, 4000));
        POSIX::_exit(255);
    }
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), $before);
    die "fork failed: $why\n" if !defined($pid);

    $run->@{qw(pid in out err)} = ($pid, $parent_in, $parent_out, $parent_err);
    $run->{input} = $given;
    close($_) for grep { defined($_) } ($child_in, $child_out, $child_err, $child_status);

    # The pipe closes when exec succeeds.
    my $failure = '';
    while (1) {
        my $count = sysread($parent_status, $failure, 4096, length($failure));
        last if defined($count) && !$count;
        die "cannot watch the start of the command: $!\n" if !defined($count) && $! != EINTR;
    }
    close($parent_status);
    die $failure if length($failure);
    return;
}

sub _given_fd ($name) {
    return $name + 0 if $name =~ m/\A[0-9]+\z/;
    die "no file descriptor '$name' is known\n" if $name !~ m/\A(?:STDIN|STDOUT|STDERR)\z/;
    return fileno(*{ qualify_to_ref($name, 'main') }) // die "$name is not open\n";
}

sub _exec_child ($opt, $fds, @argv) {

    # Copies above 2 first, as a given descriptor may itself be 0, 1 or 2.
    my (@copies, @spare);
    for my $fd ($fds->@*) {
        my $copy;
        while (1) {
            $copy = POSIX::dup($fd) // die "cannot hand over file descriptor $fd: $!\n";
            last if $copy > 2;
            push @spare, $copy;
        }
        push @copies, $copy;
    }
    for my $target (0 .. 2) {
        POSIX::dup2($copies[$target], $target) // die "cannot hand over file descriptor: $!\n";
    }
    POSIX::close($_) for @copies;

    umask($opt->{umask}) if defined($opt->{umask});
    $ENV{LC_ALL} = 'C' if !$opt->{keeplocale};
    $ENV{LVM_SUPPRESS_FD_WARNINGS} = '1';

    no warnings 'exec';
    my $where = sprintf('at %s line %d', __FILE__, __LINE__);
    exec(@argv) or die "open3: exec of @argv failed: $! $where.\n";
}

sub _pump ($run) {
    my %opt = $run->{opt}->%*;
    my $out_lines = $opt{outfunc} || $opt{logfunc};
    my $err_lines = $opt{errfunc} || $opt{logfunc} || defined($opt{errmsg});

    my $on_out = sub ($line) {
        $opt{outfunc}->($line) if $opt{outfunc};
        $opt{logfunc}->($line) if $opt{logfunc};
    };
    my $on_err = sub ($line) {
        if (defined($opt{errmsg})) {
            _hold_error_line($run, $line);
        } elsif ($opt{errfunc}) {
            $opt{errfunc}->($line);
        }
        $opt{logfunc}->($line) if $opt{logfunc};
    };
    my %sinks = (
        out => $out_lines ? _line_splitter($on_out) : _copier(\*STDOUT, $opt{quiet}),
        err => $err_lines ? _line_splitter($on_err) : _copier(\*STDERR, $opt{quiet}),
    );

    my $readers = IO::Select->new(grep { defined($_) } $run->@{qw(out err)});
    my $writers = IO::Select->new(grep { defined($_) } $run->{in});
    while ($readers->count || $writers->count) {
        my ($readable, $writable) = IO::Select->select($readers, $writers, undef);
        if (!$readable) {
            next if $! == EINTR;
            die "select failed: $!\n";
        }
        for my $handle ($writable->@*) {
            my $count = syswrite($handle, $run->{input}, 65536);
            next if !defined($count) && ($!{EAGAIN} || $!{EINTR});
            substr($run->{input}, 0, $count // 0, '');
            if (!defined($count) || !length($run->{input})) {
                $writers->remove($handle);
                close($handle);
                $run->{in} = undef;
            }
        }
        for my $handle (sort { _is_stderr($run, $a) <=> _is_stderr($run, $b) } $readable->@*) {
            my $count = sysread($handle, my $bytes, 65536);
            next if !defined($count) && $! == EINTR;
            my $which = _is_stderr($run, $handle) ? 'err' : 'out';
            if ($count) {
                $sinks{$which}->($bytes);
            } else {
                $sinks{$which}->(undef);
                $readers->remove($handle);
                close($handle);
                $run->{$which} = undef;
            }
        }
    }
    return;
}

sub _is_stderr ($run, $handle) {
    return defined($run->{err}) && $handle == $run->{err} ? 1 : 0;
}

# Calls back once a line. A line ends at \n, \r, \r\n or a run of backspaces; it is delivered as soon as its end is read, so
# the rest of \r\n or of backspaces may arrive with the next bytes.
sub _line_splitter ($callback) {
    my ($buffer, $end) = ('', '');
    return sub ($bytes) {
        if (!defined($bytes)) {
            $callback->($1) if $buffer =~ m/\A(.+)\z/s;
            return;
        }
        $bytes =~ s/\A\n// if $end eq "\r";
        $bytes =~ s/\A[\x08]+// if $end eq "\x08";
        return if !length($bytes);
        $buffer .= $bytes;
        $end = substr($buffer, -1);
        while ($buffer =~ s/\A([^\x08\r\n]*)(?:\r\n|[\r\n]|[\x08]+)//) {
            $callback->($1);
        }
        return;
    };
}

sub _copier ($handle, $quiet) {
    return sub ($bytes) {
        return if $quiet || !defined($bytes);
        local ($\, $,);
        print {$handle} $bytes;
        $handle->flush;
    };
}

# With errmsg the newest line of standard error is held back for the message; earlier ones are passed on.
sub _hold_error_line ($run, $line) {
    my $held = $run->{last_error};
    $run->{last_error} = $line;
    return if !defined($held);
    my $opt = $run->{opt};
    if ($opt->{errfunc}) {
        $opt->{errfunc}->("$held\n");
    } else {
        local ($\, $,);
        print STDERR "$held\n";
    }
    return;
}

sub _exit_code ($run, $text) {
    my $pid;
    do { $pid = waitpid($run->{pid}, 0) } while ($pid < 0 && $! == EINTR);
    $run->{pid} = undef;
    die "failed to execute\n" if $pid < 0 || $? == -1;
    my $signal = $? & 127;
    die "got signal $signal\n" if $signal;
    return $? >> 8;
}

sub _kill ($run) {
    kill('KILL', $run->{pid});
    my $pid;
    do { $pid = waitpid($run->{pid}, 0) } while ($pid < 0 && $! == EINTR);
    return;
}

# rsync exits with 24 if files vanished while it copied; PVE takes that for success.
sub _is_vanished_source ($code, $program) {
    return $code == 24 && basename($program) eq 'rsync';
}

# ---- files

sub file_set_contents {
    my ($filename, $data, $perm, $force_utf8) = @_;

    my $temp = "$filename.tmp.$$";
    my $fh;
    for my $try (1 .. 3) {
        last if sysopen($fh, $temp, O_CREAT | O_EXCL | O_WRONLY, $perm // oct('0644'));
        die "unable to open file '$temp' - $!\n" if $! != EEXIST || $try == 3;
        unlink($temp);
    }
    my $done = eval {
        binmode($fh, ':encoding(UTF-8)') if $force_utf8;
        local ($\, $,);
        print {$fh} $data or die "unable to write '$temp' - $!\n";
        close($fh) or die "closing file '$temp' failed - $!\n";
        rename($temp, $filename) or die "close (rename) atomic file '$filename' failed: $!\n";
        1;
    };
    if (!$done) {
        my $err = $@;
        unlink($temp);
        die $err;
    }
    return;
}

sub file_get_contents {
    my ($filename, $max) = @_;

    $max //= 1024 * 1024;
    open(my $fh, '<', $filename) or die "can't open '$filename' - $!\n";
    my $content = '';
    while (1) {
        my $count = sysread($fh, $content, 65536, length($content));
        next if !defined($count) && $! == EINTR;
        die "unable to read file '$filename' - $!\n" if !defined($count);
        last if !$count;
        die "file '$filename' too long - aborting\n" if length($content) > $max;
    }
    close($fh);
    return $content;
}

sub file_read_firstline {
    my ($filename) = @_;

    my $line;
    if (!open(my $fh, '<', $filename)) {
        die "file '$filename' exists but open for reading failed - $!\n" if $! != ENOENT;
    } else {
        local $/ = "\n";
        $line = <$fh>;
        close($fh);
        chomp($line) if defined($line);
    }
    return $line;
}

sub file_copy {
    my ($from, $to, $max, $perm) = @_;

    return file_set_contents($to, file_get_contents($from, $max), $perm);
}

sub dir_glob_regex {
    my ($dir, $regex) = @_;

    opendir(my $dh, $dir) or return;
    while (defined(my $name = readdir($dh))) {
        my @found = $name =~ m/\A($regex)\z/ or next;
        closedir($dh);
        return wantarray ? @found : $found[0];
    }
    closedir($dh);
    return;
}

sub dir_glob_foreach {
    my ($dir, $regex, $callback) = @_;

    opendir(my $dh, $dir) or return;
    while (defined(my $name = readdir($dh))) {
        my @found = $name =~ m/\A($regex)\z/ or next;
        $callback->(@found);
    }
    closedir($dh);
    return;
}

sub safe_print {
    my ($filename, $fh, $data) = @_;

    local ($\, $,);
    print {$fh} $data or die "error writing '$filename' - $!\n";
    return;
}

# ---- locks and timeouts

# Locks that this process holds, by pid, kind and path: a forked child owns none of its parent's.
my %held;

sub lock_file_full {
    my ($filename, $timeout, $shared, $code, @args) = @_;

    my $key = join(':', $$, $shared ? 'sh' : 'ex', $filename);
    my ($fh, $result, $err);
    if (!$held{$key}) {
        eval { $fh = _flock($filename, $timeout // 10, $shared); 1 }
            or $err = "can't lock file '$filename' - $@";
    }
    if (!defined($err)) {
        my $done;
        {
            local $held{$key} = ($held{$key} // 0) + 1;
            $done = eval { $result = $code->(@args); 1 };
            $err = $@ if !$done;
        }
        undef $result if !$done;
        close($fh) if $fh;
    }

    # The convention: the caller looks at $@.
    $@ = $err // ''; ## no critic (RequireLocalizedPunctuationVars)
    return $result;
}

sub lock_file {
    my ($filename, $timeout, $code, @args) = @_;

    return lock_file_full($filename, $timeout, 0, $code, @args);
}

sub _flock ($filename, $timeout, $shared) {
    my $kind = $shared ? LOCK_SH : LOCK_EX;
    open(my $fh, '>>', $filename) or die "can't open file - $!\n";
    return $fh if flock($fh, $kind | LOCK_NB);

    print STDERR "trying to acquire lock...";
    my $done = eval {
        scalar(
            run_with_timeout(
                $timeout,
                sub {
                    while (!flock($fh, $kind)) {
                        die "can't acquire lock '$filename' - $!\n" if $! != EINTR;
                    }
                },
            ));
        1;
    };
    my $err = $@;
    print STDERR $done ? " OK\n" : "\n";
    die $err if !$done;
    return $fh;
}

sub run_with_timeout {
    my ($timeout, $code, @args) = @_;

    die "got timeout\n" if !defined($timeout) || $timeout <= 0;

    my $outer = Time::HiRes::alarm(0);
    my ($result, $got_timeout);
    my $done = eval {
        local $SIG{ALRM} = sub {
            $got_timeout = 1;
            die "got timeout\n";
        };
        Time::HiRes::alarm($timeout);
        eval { $result = $code->(@args); 1 } or do {
            my $err = $@;
            Time::HiRes::alarm(0);
            die $err;
        };
        Time::HiRes::alarm(0);
        1;
    };
    my $err = $@;
    Time::HiRes::alarm($outer) if $outer;
    die $err if !$done && !$got_timeout;
    undef $result if !$done;
    if (wantarray) {
        return ($result, $got_timeout ? 1 : 0);
    }
    die "got timeout\n" if $got_timeout;
    return $result;
}

# ---- strings and parameters

sub trim {
    my ($text) = @_;

    return $text if !defined($text);
    $text =~ s/\A\s+//;
    $text =~ s/\s+\z//;
    return $text;
}

sub split_list {
    my ($text) = @_;

    return if !defined($text);
    return split(/\0/, $text) if $text =~ m/\0/;
    return grep { length($_) } split(/[,;\s]+/, $text);
}

sub extract_param {
    my ($param, $key) = @_;

    return scalar(delete($param->{$key}));
}

sub extract_sensitive_params {
    my ($param, $sensitive, $delete) = @_;

    my %deleted = map { $_ => 1 } ($delete // [])->@*;
    my %found;
    for my $key ($sensitive->@*) {
        my $value = delete($param->{$key});
        $found{$key} = $value if defined($value) || $deleted{$key};
    }
    return \%found;
}

sub get_host_arch {
    my ($machine) = (POSIX::uname())[4] =~ m/\A(\w+)\z/;
    return $machine;
}

sub get_host_dpkg_arch {
    my $machine = get_host_arch();
    my %names = (aarch64 => 'arm64', riscv64 => 'riscv64', x86_64 => 'amd64');
    return $names{$machine} // die "no Debian name is known for the architecture '$machine'\n";
}

require PVE::Tools::Further;

1;

__END__

=head1 NAME

PVE::Tools - commands, files and locks for plugins on a machine without PVE

=head1 SYNOPSIS

    use PVE::Tools qw(run_command);

    my @lines;
    run_command(['lsblk', '-n'], outfunc => sub { push @lines, $_[0] }, errmsg => 'lsblk failed');

=head1 DESCRIPTION

Part of Tenon's compat layer; written from observed behaviour. Nothing is exported by default. Every name that PVE's module
exports exists. C<template_replace> is not offered and dies with a text that says so. The smaller functions are in
L<PVE::Tools::Further>; C<tenon inspect> names what is in neither.

=head1 FUNCTIONS

=head2 run_command

    my $code = run_command($cmd, %opt);

Runs a command and returns its exit code. C<$cmd> is an array of words, executed without a shell
unless it is a single word; an array of such arrays, run as a pipeline by bash with C<pipefail>,
where a reference to a scalar is inserted unquoted; or a string, run by the shell, by bash with
C<pipefail> if it has a C<|>.

Options: C<outfunc>, C<errfunc>, C<logfunc> get each line without its end; C<input> is text, or C<< <&N >> for a file
descriptor; C<output> is C<< >&N >>; C<timeout> in seconds; C<errmsg> begins the error text, which then ends in the last line
of standard error; C<noerr> returns the code instead of dying, -1 if there is none; C<quiet> drops output that is not
collected; C<umask>, C<keeplocale>, and C<afterfork>, called in the parent. Any other option dies, even with C<noerr>.

A timeout kills the command and always dies. A C<die> in a collector kills the command. An alarm of the caller is paused
while the command runs and set again afterwards; PVE loses it if there is no C<timeout>.

Some oddities of PVE are kept: with C<errmsg> and C<errfunc> together the lines that C<errfunc> gets end in a newline, with
C<errmsg> and C<quiet> all lines but the last are printed, an empty C<errmsg> counts as none, and exit code 24 of rsync is a
success.

=head2 file_set_contents

    file_set_contents($filename, $data, $perm, $force_utf8);

Replaces a file through F<$filename.tmp.$$>; mode 0644 unless given.

=head2 file_get_contents

    my $data = file_get_contents($filename, $max);

Dies if the file is larger than C<$max>, 1 MiB unless given.

=head2 file_read_firstline

    my $line = file_read_firstline($filename);

Without its newline; undef if there is no such file.

=head2 file_copy

    file_copy($from, $to, $max, $perm);

=head2 dir_glob_regex, dir_glob_foreach

    my @match = dir_glob_regex($dir, $regex);
    dir_glob_foreach($dir, $regex, sub { my ($name, @captures) = @_; });

The entries whose whole name matches: returns the captures of the first, or calls the function for each. A missing directory
has no entries.

=head2 lock_file, lock_file_full

    my $result = lock_file($filename, $timeout, $code, @args);
    my $result = lock_file_full($filename, $timeout, $shared, $code, @args);

Calls C<$code> in scalar context under an flock(2) on the file; waits 10 seconds unless told. Never
dies: failures of the lock and of the code are left in C<$@>. Re-entrant in one process.

=head2 run_with_timeout

    my ($result, $got_timeout) = PVE::Tools::run_with_timeout($seconds, $code, @args);

In scalar or void context a timeout dies C<got timeout>. Not exported, as in PVE.

=head2 trim, split_list, extract_param, extract_sensitive_params, safe_print

    my $text = trim($text);
    my @items = split_list($text);
    my $value = extract_param($param, $key);
    my $found = extract_sensitive_params($param, \@sensitive, \@delete);
    safe_print($filename, $fh, $data);

=head2 get_host_arch, get_host_dpkg_arch

The machine's architecture as the kernel and as Debian name it.

=cut
