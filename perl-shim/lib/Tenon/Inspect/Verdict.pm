package Tenon::Inspect::Verdict;

use v5.36;

use List::Util qw(uniq);

use Tenon::Api;
use Tenon::Inspect::Names;

my %STAGES = (pve => 'while PVE\'s modules were loaded', compile => 'while it was compiled');

# What a host of this level says to the plugin, by the result of its trial there: the verdict, and why, in words that
# continue a sentence about the plugin. {declared} holds the properties that other plugins on the host declare.
sub of ($result, $level, %also) {
    my @reasons = (_of_process($result, $also{deadline}), _of_class($result->{facts}, $level));
    push @reasons, of_properties($result->{facts}, $level, $also{declared} // {}) if !@reasons;
    return ('rejected', join('; ', @reasons) =~ s/\.\z//r) if @reasons;
    my $api = $result->{facts}->{api}->{value};
    return ('warns',
        "implements API version $api, and PVE warns that this is older than its own, $level")
        if $api < $level;
    return ('loads', undef);
}

# Why the plugin does not tell what it is, if it does not.
sub why_not ($result, $deadline) {
    my @reasons = _of_process($result, $deadline);
    return @reasons if @reasons;
    my $facts = $result->{facts};
    return "does not compile: $facts->{complaint}" if defined($facts->{complaint});
    return 'is not derived from PVE::Storage::Plugin' if !$facts->{package};
    return map { "cannot be asked what it is: ${_}() failed: $facts->{$_}->{error}" }
        grep { defined($facts->{$_}->{error}) } qw(type plugindata properties options);
}

# Why there are no facts, if there are none.
sub _of_process ($result, $deadline) {
    return if $result->{facts};
    my $stage = $result->{stage} // 'pve';
    my $when = $STAGES{$stage} // "in $stage";
    return "did not come to an end within $deadline s $when" if $result->{timed_out};
    my $signal = $result->{status} & 127;
    return $signal
        ? "ended its process by signal $signal $when"
        : 'ended its process with exit status ' . ($result->{status} >> 8) . " $when";
}

# The first thing that PVE has against it, in PVE's order.
sub _of_class ($facts, $level) {
    return if !$facts;
    return "does not compile: $facts->{complaint}" if defined($facts->{complaint});
    return 'is not derived from PVE::Storage::Plugin' if !$facts->{package};
    return 'does not provide an api() method' if !$facts->{has_api};
    my ($api, $type) = $facts->@{qw(api type)};
    return "cannot tell its API version: $api->{error}" if defined($api->{error});
    my $version = $api->{value};
    return 'cannot tell its API version: api() returned undef' if !defined($version);
    return "cannot tell its API version: api() returned '" . _shown($version) . "'"
        if ref($version) || $version !~ m/\A\d+\z/;
    return "implements API version $version, newer than the host's, $level" if $version > $level;
    my $oldest = Tenon::Api->load->oldest;
    return "implements API version $version, older than the oldest that the host takes, $oldest"
        if $version < $oldest;
    return "cannot tell its type: $type->{error}" if defined($type->{error});
    return 'cannot tell its type: type() returned no name'
        if !defined($type->{value}) || ref($type->{value}) || $type->{value} eq '';
    return "is of type '$type->{value}', which PVE has itself"
        if Tenon::Inspect::Names->load->is_core_type($type->{value}, $level);
    return "cannot be registered: $facts->{register}" if defined($facts->{register});
    return;
}

# What would make PVE fail to start, for every storage of the host.
sub of_properties ($facts, $level, $declared) {
    my @reasons;
    for my $method (qw(properties options)) {
        my $answer = $facts->{$method};
        push @reasons,
            defined($answer->{error})
            ? "keeps PVE from starting: $method() failed: $answer->{error}"
            : "keeps PVE from starting: $method() returned no hash"
            if ref($answer->{value}) ne 'HASH';
    }
    return @reasons if @reasons;
    my @duplicates = duplicates($facts, $level);
    push @reasons, 'keeps PVE from starting: it declares ' . _list(@duplicates) . ', as PVE does'
        if @duplicates;
    my @undeclared = undeclared($facts, $level, $declared);
    push @reasons,
          'keeps PVE from starting: its options use '
        . _list(@undeclared)
        . ', which nothing declares'
        if @undeclared;
    return @reasons;
}

# The properties that are PVE's own on a host of this level. Isolated properties of a plugin do not conflict, on hosts that
# support isolation.
sub duplicates ($facts, $level) {
    my $names = Tenon::Inspect::Names->load;
    return if is_isolated($facts) && $level >= Tenon::Api->load->newest;
    return
        grep { $names->is_core_property($_, $level) } sort keys $facts->{properties}->{value}->%*;
}

sub is_isolated ($facts) {
    my $data = ($facts->{plugindata} // {})->{value};
    return ref($data) eq 'HASH' && $data->{'isolate-properties'} ? 1 : 0;
}

sub undeclared ($facts, $level, $declared) {
    my $names = Tenon::Inspect::Names->load;
    my $own = $facts->{properties}->{value};
    return grep { !$own->{$_} && !$declared->{$_} && !$names->is_core_property($_, $level) }
        sort keys $facts->{options}->{value}->%*;
}

sub _list (@names) {
    my $noun = @names == 1 ? 'the property' : 'the properties';
    return "$noun " . join(', ', map { "'$_'" } uniq @names);
}

sub _shown ($value) {
    return ref($value) ? 'a reference' : $value =~ s/[^ -~]/?/gr;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Verdict - what a host of some level says to a plugin

=head1 SYNOPSIS

    my ($verdict, $reason) = Tenon::Inspect::Verdict::of($result, 13, deadline => 30);

=head1 DESCRIPTION

Judges what a trial found, as PVE's loader would: in its order, and with the properties that PVE itself has on that level.

=head1 FUNCTIONS

=head2 of

C<loads>, C<warns> or C<rejected>, with a reason that continues a sentence about the plugin; undef for C<loads>.

=head2 why_not

    my ($reason) = Tenon::Inspect::Verdict::why_not($result, $deadline);

Why the plugin did not tell what it is; nothing if it did.

=head2 of_properties

    my @reasons = Tenon::Inspect::Verdict::of_properties($facts, $level, $declared);

=head2 is_isolated

Whether the plugin keeps its properties to itself.

=head2 duplicates, undeclared

    my @names = Tenon::Inspect::Verdict::duplicates($facts, $level);
    my @names = Tenon::Inspect::Verdict::undeclared($facts, $level, $declared);

=cut
