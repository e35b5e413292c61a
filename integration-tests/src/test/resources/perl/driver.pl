# Makes the calls that it reads, a JSON line each, and answers each with a JSON line.
#
#   {"plugin":"dir","method":"status","context":"list","args":["nas",{...},{"$cache":"one"}]}
#   {"result":[...]}                      or {"error":"text\n","class":"PVE::Exception"}
#
# {"$code":VALUE} stands for a code ref that returns the value; the arguments it was called with come as "ran", those of
# the call, as they are afterwards, as "args".
#
# {"$write":FILE} and {"$read":FILE} stand for handles of the file, opened so.
#
# Text is octets in both directions, a byte a character. {"$cache":NAME} stands for the same hash whenever the
# name is the same. Under -T the paths of everything in the answer that is tainted come as "tainted".

use v5.36;

use JSON::PP;
use Scalar::Util qw(blessed reftype tainted);

use PVE::Storage;
use PVE::Storage::Custom::TenonDirPlugin;
use Tenon::Api;
use Tenon::Proxy;

my $json = JSON::PP->new->latin1->canonical->allow_nonref->allow_unknown->allow_blessed;
my $out = JSON::PP->new->ascii->canonical->allow_nonref->allow_unknown->allow_blessed;
my %caches;
my @ran;
$| = 1;

# The class that stands for a plugin of the daemon.
my %PROXIES = (dir => 'PVE::Storage::Custom::TenonDirPlugin');

sub proxy ($plugin) {
    return $PROXIES{$plugin} //= do {
        my $package = "PVE::Storage::Custom::Proxy\u$plugin";
        Tenon::Proxy->install_methods($package, $plugin,
            grep { !m/\A(?:api|options|plugindata|properties|type)\z/ } Tenon::Api->load->method_names);
        $package;
    };
}

sub opened ($mode, $file) {
    my ($clean) = $file =~ m/\A(.*)\z/s;
    open(my $fh, $mode, $clean) or die "$clean: $!\n";
    return $fh;
}

sub argument ($value) {
    if (ref($value) eq 'HASH') {
        return $caches{ $value->{'$cache'} } //= {} if exists($value->{'$cache'});
        return opened('>', $value->{'$write'}) if exists($value->{'$write'});
        return opened('<', $value->{'$read'}) if exists($value->{'$read'});
        return sub (@args) { push @ran, [map { shown($_) } @args]; return $value->{'$code'} } if exists($value->{'$code'});
        return { map { $_ => argument($value->{$_}) } keys $value->%* };
    } elsif (ref($value) eq 'ARRAY') {
        return [map { argument($_) } $value->@*];
    } elsif (defined($value) && !ref($value)) {
        my ($clean) = $value =~ m/\A(.*)\z/s;
        utf8::downgrade($clean);
        return $clean;
    }
    return $value;
}

sub taints ($value, $at) {
    my $type = reftype($value) // return tainted($value) ? ($at) : ();
    return map { (tainted($_) ? "key of $at" : (), taints($value->{$_}, "$at.$_")) } sort keys $value->%* if $type eq 'HASH';
    return map { taints($value->[$_], "$at.$_") } 0 .. $value->$#* if $type eq 'ARRAY';
    return;
}

# By type, as Perl's own operators would see it.
sub shown ($value) {
    my $type = reftype($value) // return defined($value) ? "$value" : undef;
    return { map { $_ => shown($value->{$_}) } keys $value->%* } if $type eq 'HASH';
    return [map { shown($_) } $value->@*] if $type eq 'ARRAY';
    return $type eq 'CODE' ? 'CODE' : "$value";
}

print "ready ${^TAINT}\n";
while (my $line = <STDIN>) {
    my $call = $json->decode($line);
    my $class = proxy($call->{plugin} =~ m/\A(\w+)\z/);
    my ($method) = $call->{method} =~ m/\A(\w+)\z/;
    my @args = map { argument($_) } $call->{args}->@*;
    my ($result, %answer);
    my $good = eval {
        if ($call->{context} eq 'list') {
            $result = [$class->$method(@args)];
        } elsif ($call->{context} eq 'scalar') {
            $result = $class->$method(@args);
        } else {
            $class->$method(@args);
        }
        1;
    };
    $answer{args} = [map { shown($_) } @args];
    $answer{ran} = [splice(@ran)];
    if ($good) {
        $answer{tainted} = [taints($result, 'result')];
        $answer{result} = shown($result);
    } else {
        my $err = $@;
        $answer{error} = "$err";
        $answer{class} = blessed($err) // '';
        $answer{exception} = shown($err) if ref($err);
    }
    print $out->encode(\%answer), "\n";
}
