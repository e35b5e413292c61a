package Tenon::Sidecar::Orphan;

use v5.36;

use POSIX ();

use Tenon::Lifeline;
use Tenon::Loader;

use constant { ORPHANED => 50, LAST_SECONDS => 5 };

# Frees the volume that the current import may leave, if nobody else is left to do it.
our $FREE_UNFINISHED;

# No plugin ignores this signal, it does not wait for Perl's next statement, and END blocks have a time limit, since nobody
# else is left to end this process. The plugin and its children read from /dev/null.
sub follow () {
    $SIG{TERM} = sub { exit(128 + 15) };
    my $orphaned = sub {
        _end_others();

        # The import that is under way fails now, and then there is more to do than a signal handler may.
        return if $FREE_UNFINISHED;
        exit(128 + 15);
    };
    POSIX::sigaction(ORPHANED, POSIX::SigAction->new($orphaned))
        or die "cannot watch standard input: $!\n";
    Tenon::Lifeline::follow(ORPHANED);
    return;
}

# And this process, if its END blocks take too long.
sub _end_others () {
    alarm(LAST_SECONDS);
    $SIG{ALRM} = 'DEFAULT';
    local $SIG{TERM} = 'IGNORE';
    kill('TERM', -$$);
    return;
}

# A plugin takes the end of a pipe for the end of its stream, even if the daemon has died.
sub free_unfinished () {
    local $SIG{TERM} = 'IGNORE';
    _end_others();
    1 while waitpid(-1, 0) > 0;
    eval { $FREE_UNFINISHED->(); 1 } or warn "an unfinished volume is left: $@";
    exit(128 + 15);
}

# Asked for before the import begins, since the base class may be answered by the daemon. PVE's base class frees a volume by
# removing its file.
sub freeing ($package, $params, $section) {
    my ($storeid, $volname) = $params->@{qw(storeid volname)};
    my ($is_base, $format) = (eval { $package->parse_volname($volname) })[5, 6];
    if (Tenon::Loader::overrides($package, 'free_image')) {
        return sub {
            my $left = $package->free_image($storeid, $section, $volname, $is_base, $format);
            $left->() if ref($left) eq 'CODE';
        };
    }
    my $path = eval { ($package->filesystem_path($section, $volname))[0] } // return;
    return sub { !-f $path || unlink($path) or die "$path: $!\n" };
}

1;

__END__

=head1 NAME

Tenon::Sidecar::Orphan - a process of a sidecar whose daemon is gone

=head1 DESCRIPTION

The daemon holds the other end of standard input; when it is gone, also by C<kill -9>, the kernel sends a signal. The
process ends then, with what the plugin started, after the plugin's END blocks; if an import is under way, after the
unfinished volume has been freed.

=head1 FUNCTIONS

=head2 follow

    Tenon::Sidecar::Orphan::follow();

Ends this process when the daemon is gone. Each process needs a standard input of its own for that.

=head2 freeing

    local $Tenon::Sidecar::Orphan::FREE_UNFINISHED =
        Tenon::Sidecar::Orphan::freeing($package, \%params, $scfg);

A code ref that frees the volume of an import that is about to begin, by these parameters of C<volume_import>. Undef if the
plugin cannot tell where it is.

=head2 free_unfinished

Calls it, and ends the process.

=cut
